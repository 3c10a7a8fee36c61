"""What benches run inside pods: the standard library alone, shipped as it stands by a ConfigMap."""
