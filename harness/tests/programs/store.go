// A store for the course's protocol that is not replicated at all, over a stream of lines: 0000 leads and alone holds the
// data. Each request has a goroutine of its own, which answers after a pause.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

type message map[string]any

const leader = "0000"

func main() {
	me := "FFFF"
	for _, word := range os.Args[1:] {
		if !strings.HasPrefix(word, "--") {
			me = word
			break
		}
	}
	wire, err := net.Dial("unix", "./"+me)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out, begin := make(chan message), time.Now()
	go func() {
		for answer := range out {
			line, _ := json.Marshal(answer)
			wire.Write(append(line, '\n'))
		}
	}()
	out <- message{"src": me, "dst": "FFFF", "leader": "FFFF", "type": "hello"}
	data, lock := map[any]any{}, sync.Mutex{}
	lines := bufio.NewScanner(wire)
	for lines.Scan() {
		var asked message
		if json.Unmarshal(lines.Bytes(), &asked) != nil {
			continue
		}
		kind := asked["type"]
		if kind != "get" && kind != "put" {
			continue
		}
		go func() {
			answer := message{"src": me, "dst": asked["src"], "leader": leader, "MID": asked["MID"]}
			if me != leader {
				answer["type"] = "redirect"
				out <- answer
				return
			}
			time.Sleep(time.Duration(rand.Intn(10_000)) * time.Microsecond)
			lock.Lock()
			if kind == "put" {
				data[asked["key"]] = asked["value"]
			} else if answer["value"] = data[asked["key"]]; answer["value"] == nil {
				answer["value"] = ""
			}
			lock.Unlock()
			answer["type"], answer["at"] = "ok", time.Since(begin).String()
			// Something for the garbage collector.
			answer["filler"] = len(make([]byte, 200_000+rand.Intn(2)))
			out <- answer
		}()
	}
}
