// The ws package, with the loop over all clients that its documentation shows.
const { WebSocketServer, WebSocket } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  backlog: 4096,
  perMessageDeflate: false,
});
const subscribers = new Set();

server.on("connection", (socket, request) => {
  if (request.url === "/pub") {
    socket.on("message", (message) => {
      for (const one of subscribers) {
        if (one.readyState === WebSocket.OPEN) one.send(message, { binary: false });
      }
    });
    return;
  }
  subscribers.add(socket);
  socket.on("close", () => subscribers.delete(socket));
});
