"""The keeper: the parent of all children, and what must never die.

A small single-threaded program on built-in modules alone. It starts children, moves their bytes from FIFOs into log
segments with marks, reaps them, and writes their exit records. It knows no JSON-RPC, no policy and no names, and it
outlives every daemon. Nothing here imports anything of ours from outside this folder.

Read in this order: `wire` (what the daemon and the keeper say to each other), `spawn`, `segments`, `capture`,
`terminal`, `marks`, `run`, `link`, `poll`, `streams`, `holder`, `holding`, `launching`, `program` (the loop). Then what
it takes to become another version of itself: `upgrade`, `table`, `state`, `main`, `image`.
"""
