extension AudioFile {
  /// What names of files that libsndfile decodes end in, in lower case: those of its major formats, and what people write
  /// for them. Left out are RAW, which says nothing of itself, MATLAB's files, which hold anything, and Sound Designer 2,
  /// which keeps half of itself elsewhere.
  public static let extensions: Set<String> = [
    "aif", "aifc", "aiff", "au", "avr", "caf", "flac", "htk", "iff", "ircam", "mp3", "mpc", "nist", "oga", "ogg",
    "opus", "paf", "pvf", "rf64", "sds", "sf", "snd", "sph", "svx", "voc", "w64", "wav", "wave", "wve", "xi",
  ]
}
