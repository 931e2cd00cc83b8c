# Troupe: an actor host for Linux. `make help` lists the targets.

VERSION = 0.1.0

CC       ?= gcc
ifeq ($(origin CC),default)
CC = gcc
endif
CXX      ?= g++
PKG_CONFIG ?= pkg-config
SANITIZE ?=
COVERAGE ?=
DESTDIR  ?=
PREFIX   ?= /usr/local
bindir     = $(PREFIX)/bin
libexecdir = $(PREFIX)/libexec/troupe
libdir     = $(PREFIX)/lib
plugindir  = $(libdir)/troupe/plugins
includedir = $(PREFIX)/include
datadir    = $(PREFIX)/share
mandir     = $(datadir)/man
# Everything lies below PREFIX. Only where that is one of the system's own, configuration is in /etc and units where this
# systemd looks for them (/usr/lib/systemd/system is not looked at by every tool of Debian 12).
system_prefix = $(filter /usr /usr/local,$(abspath $(PREFIX)))
sysconfdir = $(if $(system_prefix),/etc,$(PREFIX)/etc)
unitdir   ?= $(if $(system_prefix),$(or $(shell $(PKG_CONFIG) --variable=systemdsystemunitdir systemd 2>/dev/null),/lib/systemd/system),$(PREFIX)/lib/systemd/system)

# A build of its own for each compiler and sanitizer, so that they can live side by side.
comma := ,
BUILD ?= build$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))$(if $(COVERAGE),-coverage)$(if $(findstring clang,$(CC)),-clang)
# One name for one directory, however it was given: what depends on which header is remembered by name.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))

WARNINGS = -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wcast-qual -Wundef \
	   $(if $(WERROR),-Werror)
HARDEN   = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
OPTIMIZE = $(if $(SANITIZE),-O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all,-O2 $(HARDEN))
ifneq ($(COVERAGE),)
OPTIMIZE = -O0
COVERAGE_COMPILE = --coverage
COVERAGE_LINK = --coverage -Wl,--wrap=_exit,--wrap=syscall $(BUILD)/tests/coverage/ends.o
endif
# daemon/core/switch.h pushes on the stack.
RED_ZONE := $(if $(filter x86_64%,$(shell $(CC) -dumpmachine)),-mno-red-zone)
CFLAGS  ?= -g
ALL_CFLAGS = -std=gnu11 -fPIE $(OPTIMIZE) $(RED_ZONE) $(COVERAGE_COMPILE) $(WARNINGS) $(CFLAGS) -D_GNU_SOURCE \
	     -Iinclude -I. -Idaemon -I$(BUILD)/gen -MMD -MP
LDFLAGS ?=
ALL_LDFLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(COVERAGE_LINK) -pie -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)

# The three functions of libboost_context that switch stacks; its shared form would bring libstdc++ along.
FCONTEXT ?= -l:libboost_context.a

# Sub-makes use every processor, unless the caller said how many.
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

# `make V=1` shows the commands; otherwise what is made.
V ?= 0
quiet = $(if $(filter 0,$(V)),@printf '  %-4s %s\n' '$(1)' '$(patsubst $(BUILD)/%,%,$@)';)

# What `make` alone does, however the fragments below are ordered.
.PHONY: all help
all:

include daemon/rules.mk
include actors/rules.mk
include tests/rules.mk
include bench/rules.mk
include packaging/rules.mk

help:
	@echo 'make             build trouped, troupe-worker, troupectl, troupe-gen and the plug-ins into $(BUILD)/'
	@echo 'make demo        see it work: words counted by actors in two workers, one of them killed'
	@echo 'make demo-pipeline  the same of pages that an actor fetches from a web server, a thousand at a time'
	@echo 'make test        all tests (installs what they need; as root also those that boot a systemd)'
	@echo 'make check       format, layering, no globals, headers, warnings, static analysis'
	@echo 'make bench       measure: what runs in a worker, between workers, and the control socket'
	@echo 'make bench-plots measure how cost grows, and draw it: docs/plots'
	@echo 'make bench-count instructions that a message and a call take'
	@echo 'make mutants     break the code on purpose: the tests must find each break (ONLY=NAME)'
	@echo 'make sweep       each allocation and each descriptor fails once (ONLY=WORD)'
	@echo 'make coverage    how much of each folder the unit tests run (ONLY=WORD: the lines that they do not)'
	@echo 'make fuzz        fuzz what parses, FUZZ_SECONDS each (10)'
	@echo 'make trial       figures under trouble, each beside its aim'
	@echo 'make soak        the long storms, and the figures'
	@echo 'make deps        print, then install, the Debian packages that are missing'
	@echo 'make install     DESTDIR=$(DESTDIR) PREFIX=$(PREFIX): everything below PREFIX; but /etc and systemd units for /usr and /usr/local'
	@echo 'make uninstall   what install wrote, with the same DESTDIR and PREFIX'
	@echo 'make clean'
	@echo
	@echo 'SANITIZE=address,undefined or SANITIZE=thread with any of them: a build of its own with sanitizers.'

.PHONY: clean
clean:
	rm -rf build build-*
