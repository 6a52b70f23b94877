// Bun's server (uWebSockets) with its own topics.
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request, server) {
    const publishes = new URL(request.url).pathname === "/pub";
    if (server.upgrade(request, { data: { publishes } })) return;
    return new Response("WebSockets only", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      if (!socket.data.publishes) socket.subscribe("all");
    },
    message(socket, message) {
      if (socket.data.publishes) server.publish("all", message);
    },
  },
});
