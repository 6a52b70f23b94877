// Socket.IO with a room, WebSockets only.
const http = require("http").createServer();
const { Server } = require("socket.io");

const server = new Server(http, { transports: ["websocket"], perMessageDeflate: false });

server.on("connection", (socket) => {
  socket.join("all");
  socket.on("pub", (message) => server.to("all").emit("message", message));
});
http.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });
