"""A redis-server of a test's own, and a client that needs no library."""

import socket
import subprocess
import time

import harness


def command(*words):
    """A request of the Redis protocol."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class Redis:
    """A client: sends in batches, reads simple, integer and bulk replies."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.stream = self.socket.makefile("rb")

    def reply(self):
        line = self.stream.readline().rstrip(b"\r\n")
        if line.startswith(b"$"):
            length = int(line[1:])
            return None if length < 0 else self.stream.read(length + 2)[:-2]
        return line

    def ask(self, *words):
        self.socket.sendall(command(*words))
        return self.reply()

    def ask_all(self, requests):
        replies = []
        for start in range(0, len(requests), 500):
            batch = requests[start:start + 500]
            self.socket.sendall(b"".join(command(*words) for words in batch))
            replies += [self.reply() for _ in batch]
        return replies

    def close(self):
        self.stream.close()
        self.socket.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisCase(harness.WeirTest):
    def start_server(self, env, *words):
        server = self.need_program("redis-server")
        port = free_port()
        process = self.start([server, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no",
                              "--dir", self.scratch, "--enable-debug-command", "local", "--hash-max-listpack-entries",
                              "0", *words], env, stdout=subprocess.DEVNULL)
        for _ in range(200):
            try:
                return process, Redis(port)
            except OSError:
                self.assertIsNone(process.poll(), "redis-server ended")
                time.sleep(0.05)
        return self.fail("redis-server does not listen")
