import Bytes
import IR

/// Where an emotion2vec and its head stand among a file's names.
struct Emotion2VecPlace {
  /// What the network's names start with: "", "d2v_model.", "model.", "model.d2v_model.", ...
  let encoder: String
  /// What the head's names start with: FunASR wraps the network alone.
  let model: String

  private static let mark = "modality_encoders.AUDIO.project_features.2.weight"
  private static let (audio, wrapper) = ("modality_encoders.AUDIO.", "d2v_model.")

  /// Nil where no name is of data2vec 2.0's audio encoder. Throws where several encoders could be meant.
  init?(_ names: [String]) throws(GraphError) {
    guard names.contains(where: { $0.contains(Emotion2VecPlace.audio) }) else { return nil }
    let found = names.filter { $0.hasSuffix(Emotion2VecPlace.mark) }.map { $0.dropLast(Emotion2VecPlace.mark.count) }
      .filter { prefix in
        (prefix.isEmpty || prefix.hasSuffix("."))
          && !prefix.split(separator: ".").contains { TrainingState.teachers.contains(Name(String($0))) }
      }
    guard found.count == 1 else {
      throw GraphError(
        "",
        "\(found.count) tensors have names that end in \(Emotion2VecPlace.mark); an emotion2vec has one. "
          + "`assay inspect` lists the names")
    }
    encoder = String(found[0])
    model =
      encoder.hasSuffix(Emotion2VecPlace.wrapper) ? String(encoder.dropLast(Emotion2VecPlace.wrapper.count)) : encoder
  }

  /// Why a tensor that the graph does not use may be left behind; nil where it may not.
  func ignoreRule(_ name: String) -> String? {
    if name.split(separator: ".").contains(where: { TrainingState.teachers.contains(Name(String($0))) }) {
      return "the copy that a teacher keeps in training"
    }
    if TrainingState.isOfOptimizer(name) { return "belongs to the optimizer" }
    guard name.hasPrefix(model) else { return "outside the model, whose names start with \"\(model)\"" }
    guard name.hasPrefix(encoder) else { return "FunASR passes it over" }
    let own = name.dropFirst(encoder.count)
    if own.hasPrefix(Emotion2VecPlace.audio + "decoder.") { return "the decoder belongs to pre-training" }
    // These are of the network, and one that is not used contradicts the configuration.
    let network = [Emotion2VecPlace.audio, "blocks.", "norm.", "proj."]
    return network.contains(where: own.hasPrefix) ? nil : "FunASR passes it over"
  }
}
