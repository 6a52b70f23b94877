"""Hands each message of /pub to all others: socketify (uWebSockets in Python) with its own topics."""

import sys

from socketify import App, AppListenOptions, CompressOptions, OpCode

OPTIONS = {"compression": CompressOptions.DISABLED, "idle_timeout": 120, "max_backpressure": 16 * 1024 * 1024}

app = App()


def subscribe(socket):
    socket.subscribe("all")


def publish(socket, message, opcode):
    app.publish("all", message, OpCode.TEXT, False)


app.ws("/sub", {**OPTIONS, "open": subscribe})
app.ws("/pub", {**OPTIONS, "message": publish})
app.listen(AppListenOptions(port=int(sys.argv[1]), host="127.0.0.1"))
app.run()
