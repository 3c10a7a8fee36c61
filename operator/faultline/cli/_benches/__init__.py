"""The benches, one file each: `measure(bench)` yields Measurements; the file's name is the bench's name."""
