"""The least that can answer a scan: says each back, on a blocking socket. What the broker itself costs.

`python -m bench.gates.echo PORT USER PASSWORD`: what comes to `.../up/echo` goes to `.../dn/echo`.
"""

import socket
import sys

from bench.gates import mqtt


def main() -> None:
    port, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    with socket.create_connection(("127.0.0.1", port)) as broker:
        broker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        broker.sendall(mqtt.connect(user, user, password) + mqtt.subscribe(["gh/1/+/+/up/echo"]))
        buffer, number = bytearray(), 0
        while data := broker.recv(65_536):
            buffer += data
            answers = bytearray()
            for first, body in mqtt.split(buffer):
                if first >> 4 == mqtt.PUBLISH:
                    topic, asked, payload = mqtt.message(first, body)
                    number = number % 65_535 + 1
                    answers += mqtt.puback(asked)
                    answers += mqtt.publish(topic.replace(b"/up/", b"/dn/"), payload, number)
            broker.sendall(answers)


if __name__ == "__main__":
    main()
