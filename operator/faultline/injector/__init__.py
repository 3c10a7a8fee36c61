"""The process in pod `edges`: one Toxiproxy process per edge, and faults applied, proven and ended on its own clock."""
