// Goroutines, channels, timers, sockets, files and children at once.
package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

func serve(listener net.Listener) {
	for {
		peer, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer peer.Close()
			lines := bufio.NewScanner(peer)
			for lines.Scan() {
				time.Sleep(time.Duration(rand.Intn(1000)) * time.Millisecond)
				fmt.Fprintf(peer, "%s back\n", lines.Text())
			}
		}()
	}
}

func ask(address, name string, told chan<- string) {
	peer, err := net.Dial("tcp", address)
	if err != nil {
		told <- err.Error()
		return
	}
	defer peer.Close()
	answers := bufio.NewScanner(peer)
	for n := 0; n < 3; n++ {
		fmt.Fprintf(peer, "%s %d\n", name, n)
		answers.Scan()
		told <- answers.Text() + " " + time.Now().UTC().String()
	}
}

func main() {
	begin := time.Now()
	fmt.Println(runtime.NumCPU(), runtime.GOMAXPROCS(3), rand.Int63())
	for key := range map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true} {
		fmt.Print(key, " ")
	}
	fmt.Println()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	go serve(listener)
	told := make(chan string)
	for _, name := range []string{"a", "b", "c"} {
		go ask(listener.Addr().String(), name, told)
	}
	for n := 0; n < 9; n++ {
		fmt.Println(<-told)
	}
	var lock sync.Mutex
	var all sync.WaitGroup
	shared := 0
	for n := 0; n < 8; n++ {
		all.Add(1)
		go func(n int) {
			defer all.Done()
			for round := 0; round < 50; round++ {
				lock.Lock()
				shared += n
				lock.Unlock()
				if round%10 == n {
					runtime.Gosched()
				}
			}
		}(n)
	}
	all.Wait()
	fmt.Println(shared)
	ticker, stop := time.NewTicker(70*time.Millisecond), time.After(time.Second)
	ticks := 0
	for going := true; going; {
		select {
		case <-ticker.C:
			ticks++
		case <-stop:
			going = false
		}
	}
	fmt.Println(ticks)
	output, err := exec.Command("sh", "-c", "sleep 5; date +%s.%N; echo $$").CombinedOutput()
	fmt.Println(string(output), err)
	garbage := make([][]byte, 0)
	for n := 0; n < 200; n++ {
		garbage = append(garbage, make([]byte, 100_000))
	}
	runtime.GC()
	fmt.Println(len(garbage))
	time.Sleep(50 * time.Second)
	fmt.Println("a long sleep", time.Since(begin))
	os.Exit(7)
}
