# What can be done with this checkout, one target each; `make help` lists them. Recipes of more than a line or two are scripts
# under deploy/. PACKAGES narrows the checks to some crates: make check PACKAGES='-p codec -p catalog'.
.DEFAULT_GOAL := help
.PHONY: help setup setup-build setup-deny build check check-deep mutations test faults demo kafka kafka-stop kafka-jars oracle clean format lint alerts
PACKAGES ?= --workspace
SEEDS ?= 1
SEED ?= 1
JOBS ?= 1
FAULTS ?= 26
KAFKA := deploy/kafka/kafka

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

setup: setup-build setup-deny ## What build and test need beyond Rust: installed as root, otherwise named

build: setup-build ## The release binary, target/release/lms-audit
	LMSAUDIT_REVISION="$$(git describe --always --dirty 2>/dev/null || echo unknown)" cargo build --release --locked --bin lms-audit

check: setup-build format lint ## Format, lints, docs and the tests that need no Kafka
	TESTKIT_KAFKA=off cargo test $(PACKAGES) --locked

test: setup kafka-jars oracle format lint alerts ## Everything: check, licences, alert rules, and all tests against Kafka
	cargo deny --locked check licenses bans sources
	cargo test $(PACKAGES) --locked

check-deep: ## Every fuzz target for 60 seconds, or for RUNS=1000000 executions (nightly, cargo-fuzz)
	@$(if $(RUNS),RUNS='$(RUNS)') tests/fuzz/run

mutations: setup-build kafka-jars ## One safety rule switched off at a time, which the fault campaign must see: ONLY=rewind,coverage
	@cargo run --quiet --locked -p tests --bin mutations -- $(if $(ONLY),--only '$(ONLY)')
faults: setup-build kafka-jars ## The fault campaign: SEEDS=20, from SEED=1, JOBS=1 at once, FAULTS=26 each, more by ARGS='--kinds sigkill'
	cargo run --quiet --locked --profile campaign -p tests --bin faults -- --seeds $(SEEDS) --seed $(SEED) --jobs $(JOBS) \
		--faults $(FAULTS) --report target/faults/report.json $(ARGS)

demo: ## The product on Kafka (or without, where there is none): ACTIONS=file N=100000
	@deploy/make/demo $(if $(ACTIONS),--actions '$(ACTIONS)') $(if $(N),-n '$(N)')

kafka: ## Apache Kafka on 127.0.0.1:9092 (nothing where KAFKA_BOOTSTRAP_SERVERS is set)
	@$(KAFKA) start

kafka-stop: ## Stop what `make kafka` started
	@$(KAFKA) stop

kafka-jars: ## The jars of Apache Kafka, by Maven
	@echo 'fetching the jars of Apache Kafka where they are missing'
	@$(KAFKA) jars || { [ -z "$$CI" ] && echo 'no Kafka here: the tests that need it will be skipped'; }

oracle: ## The Python environment of the independent oracle, from PyPI
	@sh deploy/make/setup python && tests/oracle/run --prepare || { [ -z "$$CI" ] && echo 'no oracle here: the tests that ask it will be skipped'; }

clean: ## Remove what was built and the local Kafka with its data
	@$(KAFKA) stop
	@$(KAFKA) stop --secure
	rm -rf .kafka
	cargo clean

setup-build:
	@sh deploy/make/setup build

setup-deny:
	@sh deploy/make/setup deny

format:
	cargo fmt --all --check

lint:
	cargo clippy $(PACKAGES) --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc $(PACKAGES) --no-deps --locked

alerts:
	@echo 'checking the alert rules'
	@deploy/prometheus/check
