# What can be done with this checkout, one target each. Recipes longer than a line or two are scripts under deploy/.
.DEFAULT_GOAL := help
.PHONY: help setup kafka kafka-stop kafka-jars
KAFKA := deploy/kafka/kafka

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: ## What the build needs beyond Rust: installed as root, otherwise named
	@sh deploy/make/setup build

kafka: ## Apache Kafka on 127.0.0.1:9092 (nothing where KAFKA_BOOTSTRAP_SERVERS is set)
	@$(KAFKA) start

kafka-stop: ## Stop what `make kafka` started
	@$(KAFKA) stop

kafka-jars:
	@$(KAFKA) jars
