# Thin over cargo; each target does its own set-up.

CARGO ?= cargo

.PHONY: help run test snapshots lint prove attack mutants soak bench docs install clean

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

run: ## build, and run the demo: a verdict in half a minute; then in virtual time, and exactly again
	$(CARGO) build --release --bins
	target/release/harness run workloads/demo.json
	target/release/harness run workloads/demo.json --clock virtual --seed 7 --quiet
	target/release/harness replay results/latest --quiet

# Where each test that cannot run here says why.
SKIPPED_TESTS := $(CURDIR)/target/skipped-tests
export SKIPPED_TESTS

test: lint ## formatting, lints, unit and property tests, the command line, real clusters
	$(CARGO) build --workspace --bins --examples
	# The reports are looked at in a browser.
	test -x /usr/bin/chromium || (apt-get update && apt-get install -y chromium) >/dev/null 2>&1 || true
	# Its programs run in virtual time.
	command -v go >/dev/null || (apt-get update && apt-get install -y --no-install-recommends golang-go) >/dev/null 2>&1 || true
	mkdir -p $(dir $(SKIPPED_TESTS)) && : >$(SKIPPED_TESTS)
	# Tests with clusters wait for room by themselves. With a thread for each, those that compute run
	# beside them.
	@INSTA_UPDATE=no RUST_TEST_THREADS=100 $(CARGO) test --workspace --no-fail-fast; code=$$?; \
	sort $(SKIPPED_TESTS); \
	awk '{ sub(/^[^ ]*: /, ""); if (!seen[$$0]++) reasons = reasons "; " $$0 } \
		END { print NR, "tests skipped" (NR ? ": " substr(reasons, 3) : "") }' $(SKIPPED_TESTS); \
	exit $$code

snapshots: ## accept the texts of today: help, console, explanations; then review the diff
	INSTA_UPDATE=always $(CARGO) test --package harness --lib --test it -- texts:: console::tests:: tell::tests::

lint: ## formatting, and lints with warnings as errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

prove: ## the replica's proofs at length: millions of states, hundreds of seeds
	$(CARGO) run --release --package replica --example replica-check

attack: ## hostile programs over all transports, also confined and as an ordinary user; damaged folders
	HARNESS_ATTACKS=all $(CARGO) test --package harness --test it -- hostile:: fuzz_folders::

mutants: ## each named bug of the replica under the stress suite: the table in the manual
	$(CARGO) build --release --bins
	target/release/harness mutants --results results/mutants

SOAK ?= 200
soak: ## the good replica under the stress suite, 200 runs with other seeds: no false alarm
	$(CARGO) build --release --bins
	target/release/harness run $$(yes workloads/stress.json | head -n $(SOAK)) --jobs 6 --quiet \
		--replica-arg --data-dir --replica-arg {data} --results results/soak

bench: ## the numbers in harness/docs/benchmarks.md and replica/README.md
	$(CARGO) build --release --bins --examples
	$(CARGO) bench --workspace --benches

docs: ## the manual as a site, in target/book
	command -v mdbook >/dev/null || $(CARGO) install --locked mdbook
	mdbook build harness/docs

PREFIX ?= /usr/local
install: ## the programs, completions and man pages, below PREFIX
	$(CARGO) build --release --bins
	install -D -t $(DESTDIR)$(PREFIX)/bin target/release/harness target/release/replica
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	target/release/harness completions bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/harness
	target/release/harness completions zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_harness
	target/release/harness completions fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/harness.fish
	target/release/harness man $(DESTDIR)$(PREFIX)/share/man/man1

clean: ## remove what was built
	$(CARGO) clean
