# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Everything built goes below $(O). `make help` lists what can be asked for.

O          ?= build
PREFIX     ?= /usr
SYSCONFDIR ?= /etc
UNITDIR    ?= /lib/systemd/system
CC         ?= gcc
CLANG      ?= clang
BPFTOOL    ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
CFLAGS     ?= -O2 -g
VERSION    := 0.1.0

Q   := $(if $(filter 1,$(V)),,@)
say  = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(@:$(O)/%=%)')
pkg  = $(or $(shell $(PKG_CONFIG) $(2) $(1) 2>/dev/null),$(error missing one of: $(1) (run `make deps`)))

LIBRARIES := libbpf libelf zlib libnl-3.0 libnl-route-3.0 yaml-0.1 jansson libmicrohttpd libcurl libsystemd smartcols
comma     := ,
WARNINGS  := -Wall -Wextra -Wformat=2 -Wshadow $(if $(WERROR),-Werror)
SANITIZE_FLAGS := $(if $(SANITIZE),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
# Asked of pkg-config once, when the first file is compiled: `make deps` comes before there is any.
VG_PACKAGES = $(eval VG_PACKAGES := $$(call pkg,$$(LIBRARIES),--cflags))$(VG_PACKAGES)
VG_LDLIBS   = $(eval VG_LDLIBS := $$(call pkg,$$(LIBRARIES),--libs))$(VG_LDLIBS)
VG_CFLAGS   = -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -DVG_VERSION='"$(VERSION)"' -Iinclude -Idaemon -I$(O) -I. \
	      -MMD -MP $(SANITIZE_FLAGS) $(VG_PACKAGES)
BPF_CFLAGS = -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Wshadow -Werror -Wno-address-of-packed-member \
	     -Iinclude -I. -I/usr/include/$(shell $(CC) -print-multiarch) -MMD -MP

bpf_objects := $(patsubst %.bpf.c,$(O)/%.bpf.o,$(wildcard bpf/*.bpf.c tests/bench/*.bpf.c tests/bench/flood/*.bpf.c tests/e2e/*.bpf.c))
skeletons   := $(bpf_objects:.bpf.o=.skel.h)
objects      = $(patsubst %.c,$(O)/%.o,$(filter-out %.bpf.c,$(wildcard $(1))))
archives    := $(O)/discovery.a $(O)/share.a $(O)/dataplane.a $(O)/core.a
programs    := $(O)/vpcgated $(O)/vpcgate-outside $(O)/vpcgate
unit_tests  := $(patsubst %.c,$(O)/%,$(wildcard tests/unit/test_*.c))
run_tests   := $(patsubst %.c,$(O)/%,$(wildcard tests/run/test_*.c))
e2e_tests   := $(wildcard tests/e2e/test_*.sh)
e2e_preload := $(O)/tests/e2e/refuse_native.so $(O)/tests/e2e/set_clock.so
e2e_tools   := $(e2e_preload) $(patsubst %.c,$(O)/%,$(filter-out $(e2e_preload:$(O)/%.so=%.c) %.bpf.c,$(wildcard tests/e2e/*.c)))
vm_tests    := $(filter-out %/test_service.sh,$(wildcard tests/vm/test_*.sh))
bench       := $(O)/tests/bench/bench
flood       := $(O)/tests/bench/flood/flood

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all deps demo test unit run e2e vm test-vm test-vm-service bench bench-flood lint format deb install clean help build-tests

all: $(programs) ## build vpcgated, vpcgate-outside and vpcgate

help: ## list the targets
	@sed -n 's/^\([a-z0-9 -]*\):.*## /  make \1	/p' Makefile | expand -t 24

deps: ## install the Debian packages that building, testing and linting need
	tools/deps

demo: deps ## install what is missing, build, and filter real traffic between namespaces
	$(Q)$(MAKE) --no-print-directory all
	$(Q)VG_BUILD=$(O) tools/demo

test: deps ## install what is missing, build, and run every test
	$(Q)$(MAKE) --no-print-directory all build-tests deb
	$(Q)VG_BUILD=$(O) tests/run-tests $(unit_tests) $(vm_tests) $(run_tests) $(e2e_tests)

unit run e2e vm: all build-tests ## run one part of the tests
	$(Q)VG_BUILD=$(O) tests/run-tests $($@_tests)
vm: deb

test-vm: deps ## run nearly all tests on older kernels, emulated; takes 45 minutes or more
	$(Q)$(MAKE) --no-print-directory all build-tests deb
	$(Q)VG_BUILD=$(O) VG_MATRIX=full VG_KERNELS="$(KERNELS)" VG_TESTS="$(TESTS)" VG_GUEST_TIMEOUT=21600 \
		VG_TEST_TIMEOUT=22000 tests/run-tests tests/vm/test_kernels.sh

test-vm-service: deps ## run the part that installs the package in an emulated machine
	$(Q)$(MAKE) --no-print-directory deb
	$(Q)VG_BUILD=$(O) tests/run-tests tests/vm/test_service.sh

build-tests: $(unit_tests) $(run_tests) $(e2e_tools) $(bench) $(flood) $(bpf_objects)

bench: deps ## time the datapath against bare XDP_DROP and an LPM trie reference
	$(Q)$(MAKE) --no-print-directory $(bench)
	$(Q)VG_BUILD=$(O) $(bench)
	$(Q)$(MAKE) --no-print-directory bench-flood

bench-flood: deps ## time what drops a flood on a veth pair, beside nftables and others
	-$(Q)tools/deps bench # what cannot be installed is named as missing
	$(Q)$(MAKE) --no-print-directory all $(flood)
	$(Q)VG_BUILD=$(O) tests/bench/veth_flood.sh

lint: ## check style, layering, warnings, shell scripts, manual pages and what deploy/ holds
	$(Q)tools/deps deploy
	$(Q)O=$(O) tests/lint

format: ## apply .clang-format
	clang-format -i $$(git ls-files '*.c' '*.h')

deb: ## build the Debian package
	$(Q)tools/deps package
	$(Q)O=$(O) tools/deb $(VERSION)

install: all ## install below $(DESTDIR)$(PREFIX)
	install -D -m 755 $(O)/vpcgated $(DESTDIR)$(PREFIX)/sbin/vpcgated
	install -D -m 755 $(O)/vpcgate-outside $(DESTDIR)$(PREFIX)/libexec/vpcgate-outside
	install -D -m 755 $(O)/vpcgate $(DESTDIR)$(PREFIX)/bin/vpcgate
	install -D -m 644 -t $(DESTDIR)$(UNITDIR) $(wildcard deploy/systemd/*.service deploy/systemd/*.socket)
	sed -i -E 's!=([+]?)/usr/(s?bin|libexec)/vpcgate!=\1$(PREFIX)/\2/vpcgate!' $(DESTDIR)$(UNITDIR)/vpcgate*.service
	install -D -m 644 deploy/systemd/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/vpcgate.conf
	install -D -m 644 deploy/vpcgate.yaml $(DESTDIR)$(PREFIX)/share/doc/vpcgate/examples/vpcgate.yaml
	install -D -m 644 tools/vpcgate.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vpcgate
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 docs/vpcgate.8 docs/vpcgated.8
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man5 docs/vpcgate.yaml.5
	install -d -m 755 $(DESTDIR)$(SYSCONFDIR)/vpcgate

clean: ## remove what was built
	rm -rf $(O)

$(foreach name,core dataplane discovery share,$(eval $(O)/$(name).a: $(call objects,daemon/$(name)/*.c)))
$(O)/oracle.a: $(call objects,tests/oracle/*.c)
$(O)/%.a:
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(O)/vpcgated: $(call objects,daemon/service/*.c) $(archives)
$(O)/vpcgate-outside: $(call objects,daemon/outside/*.c) $(archives)
$(O)/vpcgate: $(call objects,tools/*.c) $(archives)
$(unit_tests) $(run_tests): %: %.o $(O)/oracle.a $(archives)
$(bench): $(call objects,tests/bench/*.c) $(O)/oracle.a $(archives)
$(flood): $(call objects,tests/bench/flood/*.c) $(filter-out %/bench.o,$(call objects,tests/bench/*.c)) $(O)/oracle.a $(archives)
$(programs) $(unit_tests) $(run_tests) $(bench) $(flood):
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE_FLAGS) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(VG_LDLIBS) $(if $(findstring /tests/,$@),$(call pkg,cmocka,--libs))

$(e2e_tools): $(O)/tests/e2e/%:
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(VG_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(E2E_LDLIBS)
$(filter-out $(e2e_preload),$(e2e_tools)): $(O)/%: %.c
$(e2e_preload): $(O)/%.so: %.c
$(e2e_preload): E2E_LDLIBS := -shared -fPIC -ldl
$(O)/tests/e2e/update_link: E2E_LDLIBS = $(call pkg,libbpf,--libs)

$(O)/%.o: %.c
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(VG_CFLAGS) $(if $(filter tests/%,$<),-Werror=unused-function) $(CFLAGS) $(CPPFLAGS) -c $< -o $@
$(call objects,daemon/dataplane/*.c tests/bench/*.c tests/bench/flood/*.c tests/run/*.c): | $(skeletons)

$(O)/%.bpf.o: %.bpf.c
	$(call say,BPF)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -c $< -o $@
$(O)/%.skel.h: $(O)/%.bpf.o
	$(call say,SKEL)
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst -,_,$(notdir $*))_bpf >$@

-include $(shell find $(O) -name '*.d' 2>/dev/null)
