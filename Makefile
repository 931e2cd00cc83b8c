# Troupe. `make help` lists the targets.

CC       ?= gcc
CXX      ?= g++
AR       ?= ar
PKG_CONFIG ?= pkg-config
SANITIZE ?=
PREFIX   ?= /usr/local

# A build of its own for each compiler and sanitizer, so that they can live side by side.
comma := ,
BUILD ?= build$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))$(if $(filter clang%,$(CC)),-clang)

WARNINGS = -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wcast-qual -Wundef \
	   $(if $(WERROR),-Werror)
HARDEN   = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
OPTIMIZE = $(if $(SANITIZE),-O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all,-O2 $(HARDEN))
CFLAGS  ?= -g
ALL_CFLAGS = -std=gnu11 $(OPTIMIZE) $(WARNINGS) $(CFLAGS) -D_GNU_SOURCE \
	   -Iinclude -I. -Idaemon -I$(BUILD)/gen -MMD -MP
LDFLAGS ?=
ALL_LDFLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -pie -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)

include build.mk
