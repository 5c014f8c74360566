# What a person does here, one word each. Every target installs what it lacks (scripts/setup) and says so.
.PHONY: demo test bench bench-service mutants fmt lint

demo: ; @scripts/demo $(ARGS)
test: ; @scripts/test
bench: ; @scripts/bench $(ARGS)
bench-service: ; @scripts/bench-service $(ARGS)
mutants: ; @scripts/mutants
fmt: ; @cargo fmt --all
lint: ; @scripts/lint
