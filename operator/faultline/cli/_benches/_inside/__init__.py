"""What benches run inside pods, as it stands: the standard library alone, but for the grader in the operator's pod."""
