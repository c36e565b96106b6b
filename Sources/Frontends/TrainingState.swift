import Bytes

/// What checkpoints hold beside the model that they train, by what names say.
enum TrainingState {
  /// Modules in which fairseq keeps what a teacher computes with.
  static let teachers = ["_ema", "ema", "ema_fp32_params"].map { Name($0) }

  private static let optimizers = [
    "optimizer", "optimizer_state_dict", "optimizer_state", "scheduler", "lr_scheduler", "last_optimizer_state",
  ].map { Name($0) }

  /// True for what an optimizer or a scheduler keeps.
  static func isOfOptimizer(_ name: String) -> Bool {
    optimizers.contains(Name(String(name.utf8.prefix { $0 != UInt8(ascii: ".") }) ?? ""))
  }
}
