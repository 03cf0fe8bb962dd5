// A store for the course's protocol that is not replicated at all, over a stream of lines: 0000 leads and alone holds
// the data. A pool of threads answers. Started as `java Store.java <id> <other id>...`.
import java.io.*;
import java.net.*;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.util.concurrent.*;
import java.util.regex.*;

public class Store {
    static final String LEADER = "0000";
    static final ConcurrentHashMap<String, String> data = new ConcurrentHashMap<>();
    static SocketChannel wire;
    static String me;

    static String field(String line, String name) {
        Matcher found = Pattern.compile("\"" + name + "\": *\"([^\"]*)\"").matcher(line);
        return found.find() ? found.group(1) : "";
    }

    static void send(String to, String type, String more) {
        String line = String.format("{\"src\":\"%s\",\"dst\":\"%s\",\"leader\":\"%s\",\"type\":\"%s\"%s}\n", me, to,
            to.equals("FFFF") ? "FFFF" : LEADER, type, more);
        synchronized (data) {
            try {
                for (ByteBuffer bytes = ByteBuffer.wrap(line.getBytes()); bytes.hasRemaining(); ) wire.write(bytes);
            } catch (IOException closed) {
                System.exit(0);
            }
        }
    }

    static void serve(String line) {
        String type = field(line, "type"), from = field(line, "src"), key = field(line, "key");
        String number = ",\"MID\":\"" + field(line, "MID") + "\"";
        if (!type.equals("get") && !type.equals("put")) return;
        if (!me.equals(LEADER)) { send(from, "redirect", number); return; }
        if (type.equals("put")) data.put(key, field(line, "value"));
        else number += ",\"value\":\"" + data.getOrDefault(key, "") + "\"";
        send(from, "ok", number + ",\"at\":" + System.nanoTime());
    }

    public static void main(String[] words) throws Exception {
        me = words[0];
        wire = SocketChannel.open(UnixDomainSocketAddress.of(me));
        send("FFFF", "hello", "");
        ExecutorService pool = Executors.newFixedThreadPool(3);
        BufferedReader lines = new BufferedReader(new InputStreamReader(Channels.newInputStream(wire)));
        for (String line; (line = lines.readLine()) != null; ) {
            String taken = line;
            pool.execute(() -> serve(taken));
        }
        System.exit(0);
    }
}
