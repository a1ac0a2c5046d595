"""The processes that `benchmarks.overhead` measures against each other."""
