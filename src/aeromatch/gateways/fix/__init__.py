"""FIX 4.4: an acceptor with a session layer of its own (docs/fix.md).

`entrance` reads a connection's first message, `session` is the protocol (bytes, messages and times in, actions out; no
I/O and no clock), `codec` and `message` are its bytes, `dictionary` judges messages by the data of `fix44`, `store`
keeps what survives a restart.
"""
