"""The pure rules of access: what a pass says, and whether a gate may open for it.

The server and an offline gate run the same code on the same facts: `token.read` the code that was shown,
put what is known into `Facts`, ask `decide`, tell people `reasons.words`.
"""
