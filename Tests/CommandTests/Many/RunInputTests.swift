import AssayKit
import Audio
import Bytes
import Foundation
import TestSupport
import Testing

@Suite struct RunInputTests {
  private func refusal(_ arguments: [String] = [], lists: [String] = []) -> String {
    do {
      _ = try RunInput.all(arguments, lists: lists)
      return "accepted"
    } catch { return "\(error)" }
  }

  // MARK: Files and folders

  @Test(arguments: [
    ("a.wav", "a"), ("/x/y/a.b.flac", "a.b"), ("dir.d/plain", "plain"), ("x/.hidden", ".hidden"), ("x/.h.wav", ".h"),
    ("a.", "a"), ("ä.wav", "ä"), ("missing/", "missing/"),
  ])
  func aFileIsCalledByItsStem(_ path: String, _ name: String) throws {
    #expect(try RunInput.all([path]) == [RunInput(path: path, name: name)])
  }

  @Test func aFolderStandsForItsRecordings() throws {
    try withTemporaryFolder { folder in
      let files = [
        "b.wav", "a/z.flac", "a/deep/er/x.NPY", "a-b.OGG", "a.mp3", "Z.aiff", ".hidden.wav", ".git/c.wav", "notes.txt",
        "wav", "x.wav.part", "a/none/README.md",
      ]
      for file in files { try Recordings.write(folder + "/" + file, "") }
      let found = try RunInput.all([folder])
      // Bytes: capitals first, `-` before `.` before `/`.
      let expected = ["Z.aiff", "a-b.OGG", "a.mp3", "a/deep/er/x.NPY", "a/z.flac", "b.wav"]
      #expect(found.map(\.path) == expected.map { folder + "/" + $0 })
      #expect(found.map(\.name) == ["Z", "a-b", "a", "a/deep/er/x", "a/z", "b"])
      // Everything in its order, a folder's files in its place.
      let all = try RunInput.all([folder + "/b.wav", folder + "/a/", "/nowhere.wav", folder + "/a"])
      #expect(all.map(\.name) == ["b", "deep/er/x", "z", "nowhere", "deep/er/x", "z"])
      #expect(all[1].path == folder + "/a/deep/er/x.NPY")
      #expect(refusal([folder + "/a/none"]).contains("no recording lies in this folder"))
      #expect(refusal([folder + "/a/none"]).hasPrefix(folder + "/a/none: "))
    }
  }

  @Test func linksLeadNobodyRoundInCircles() throws {
    try withTemporaryFolder { folder in
      for file in ["own/a.wav", "own/in/b.wav", "other/c.wav"] { try Recordings.write(folder + "/" + file, "") }
      for (link, target) in [
        ("own/up", ".."), ("own/self", "."), ("own/in/again", "../in"), ("own/gone.wav", "nowhere"),
        ("own/file.wav", "../other/c.wav"), ("own/first", "../other"), ("other/back", "../own"),
      ] {
        try FileManager.default.createSymbolicLink(atPath: folder + "/" + link, withDestinationPath: target)
      }
      // What a link leads to counts once, own folders under their own names; a link to nothing is to be heard of.
      let names = try RunInput.all([folder + "/own"]).map(\.name)
      #expect(names == ["a", "file", "first/c", "gone", "in/b"])
    }
  }

  @Test func theListOfEndingsIsThatOfTheLibrary() throws {
    // sf_command(SFC_GET_FORMAT_MAJOR) of libsndfile 1.2 names these extensions beside raw, mat and sd2; NIST's and
    // MPEG's are those that people use.
    let majors = "aiff au avr caf flac htk iff mpc oga paf pvf rf64 sds sf voc w64 wav wve xi"
    #expect(
      AudioFile.extensions.isSuperset(of: majors.split(separator: " ").map(String.init) + ["mp3", "ogg", "opus"]))
    for container in try contents(Repository.golden("audio/containers")) where container != "manifest.json" {
      #expect(AudioFile.extensions.contains(String(container.split(separator: ".").last!)), "\(container)")
    }
  }

  // MARK: Lists

  @Test func aListGivesNamesAndPaths() throws {
    try withTemporaryFolder { folder in
      let (list, other) = (folder + "/wav.scp", folder + "/other.scp")
      try Recordings.write(
        list, "utt-1 a.wav\n\n  \t\nspk/utt-2\t  /x/with space.flac  \r\n \u{85}ü   b:c.wav\nlast x[1].wav")
      try Recordings.write(other, "more m.wav\n")
      let inputs = try RunInput.all(["first.wav"], lists: [list, other])
      #expect(inputs.map(\.name) == ["first", "utt-1", "spk/utt-2", "\u{85}ü", "last", "more"])
      #expect(inputs.map(\.path) == ["first.wav", "a.wav", "/x/with space.flac", "b:c.wav", "x[1].wav", "m.wav"])
      #expect(inputs[2].place == "\(list) in line 4" && inputs[0].place == nil)
    }
  }

  @Test(arguments: [
    ("a x.wav\nb\n", 2, "has no path"), ("a x.wav\n\na y.wav", 3, "given twice, first by"),
    ("a sph2pipe -f wav x.sph |", 1, "is a command; nothing is run"), ("a | cat", 1, "is a command"),
    ("a x.ark:123", 1, "a place in an archive"), ("a x.ark:123[0:10]", 1, "a place in an archive"),
    ("b x.wav[0:10]", 1, "is a part of a file"),
    ("a x.wav\nb y\0z.wav", 2, "a NUL byte"), ("a -", 1, "standard input"),
  ])
  func whatIsNoNameAndPathIsRefused(_ text: String, _ line: Int, _ what: String) throws {
    try withTemporaryFolder { folder in
      let list = folder + "/wav.scp"
      try Recordings.write(list, text)
      let refusal = refusal(lists: [list])
      #expect(refusal.hasPrefix("\(list): scp in line \(line): ") && refusal.contains(what), "\(refusal)")
      #expect(!refusal.contains("\n"))
    }
  }

  @Test func listsThatCannotBeReadAreRefused() throws {
    try withTemporaryFolder { folder in
      let list = folder + "/wav.scp"
      try Recordings.write(list, "\n \n")
      #expect(refusal(lists: [list]).contains("no recording is named"))
      try Recordings.write(list, [0x61, 0x20, 0xFF, 0x0A])
      #expect(refusal(lists: [list]).contains("in line 1: not UTF-8"))
      try Recordings.write(list, "a x.wav\n")
      try Recordings.write(folder + "/2.scp", "b y.wav\na z.wav\n")
      #expect(
        refusal(lists: [list, folder + "/2.scp"]).contains("2.scp: scp in line 2: the name \"a\" is given twice"))
      #expect(refusal(lists: [folder + "/none.scp"]).contains("none.scp"))
      #expect(refusal(lists: [folder]).contains(folder))
      #expect(refusal(lists: ["-", "-"]).contains("once"))
    }
  }

  @Test func nothingOfAListIsEverRun() throws {
    try withTemporaryFolder { folder in
      let list = folder + "/wav.scp"
      try Recordings.write(list, "a touch \(folder)/ran |\n")
      #expect(try Program.run("run", Recordings.model, "--scp", list).status == 2)
      #expect(fileKind(folder + "/ran") == .missing)
    }
  }
}
