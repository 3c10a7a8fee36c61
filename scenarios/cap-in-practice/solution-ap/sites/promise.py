"""What the two sites together promise while they cannot hear each other. You choose; you are graded by it.

CP  Nobody ever reads an old note. The south site refuses (503) what it cannot be sure of; the north site goes on.
AP  Both sites always answer. What was written apart comes together within 5 s of the partition; the newest note wins.
"""

from typing import Literal

PROMISE: Literal["CP", "AP"] = "AP"
