"""The process in pod `edges`: supervises one Toxiproxy per edge and applies, proves and ends faults on its own clock."""
