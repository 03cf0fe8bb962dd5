// Threads, a pool, locks, sockets and chance at once.
import java.io.*;
import java.net.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicInteger;

public class Many {
    static final AtomicInteger raced = new AtomicInteger();

    static void say(String what) {
        System.out.println(System.nanoTime() + " " + System.currentTimeMillis() + " " + what);
    }

    static void serve(ServerSocket server) {
        try (Socket peer = server.accept()) {
            BufferedReader lines = new BufferedReader(new InputStreamReader(peer.getInputStream()));
            for (String line; (line = lines.readLine()) != null; ) {
                Thread.sleep(ThreadLocalRandom.current().nextInt(100));
                peer.getOutputStream().write((line.toUpperCase() + "\n").getBytes());
            }
        } catch (Exception error) {
            say("server: " + error);
        }
    }

    public static void main(String[] words) throws Exception {
        say("hash " + new Object().hashCode() + " " + Set.of(1, 2, 3, 4, 5, 6, 7) + " " + UUID.randomUUID() + " " + Math.random());
        ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        Thread serving = new Thread(() -> serve(server));
        serving.start();
        try (Socket socket = new Socket(server.getInetAddress(), server.getLocalPort())) {
            BufferedReader lines = new BufferedReader(new InputStreamReader(socket.getInputStream()));
            for (int n = 0; n < 3; n++) {
                socket.getOutputStream().write(("line " + n + "\n").getBytes());
                say(lines.readLine());
            }
        }
        serving.join();
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<Integer>> futures = new ArrayList<>();
        for (int n = 0; n < 20; n++) {
            int mine = n;
            futures.add(pool.submit(() -> {
                int before = raced.get();
                Thread.sleep(mine % 3);
                raced.set(before + 1);
                return mine * before;
            }));
        }
        for (Future<Integer> future : futures) say("future " + future.get());
        pool.shutdown();
        say("raced " + raced.get());
        ScheduledExecutorService timers = Executors.newScheduledThreadPool(2);
        CountDownLatch latch = new CountDownLatch(5);
        timers.scheduleAtFixedRate(() -> { say("tick"); latch.countDown(); }, 100, 250, TimeUnit.MILLISECONDS);
        latch.await();
        timers.shutdownNow();
        Thread.sleep(5000);
        say("over");
        System.exit(7);
    }
}
