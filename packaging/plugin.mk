# plugin.mk - builds a Troupe plug-in. The whole Makefile of one:
#
#   PLUGIN = hello
#   include $(or $(shell pkg-config --variable=pluginmk troupe),$(error pkg-config does not find troupe: set PKG_CONFIG_PATH))
#
# beside hello.c (or .cc, .cpp) and hello.varlink. All *.varlink files here become headers
# ("hello.varlink.h"), all C and C++ files are compiled, and $(BUILD)/hello.so is linked of them.
#
# Targets:    all (the default), clean, install, uninstall
# May be set: SOURCES     C and C++ files        all of this directory
#             INTERFACES  *.varlink files, also of other directories: those that are implemented, and
#                         those of actors that are called       all of this directory
#             GENFLAGS_FILE.varlink   what else troupe-gen is to do with that interface: "--prefix other" where the names
#                         of two end alike
#             BUILD       where results go       build
#             CC CXX CPPFLAGS CFLAGS CXXFLAGS LDFLAGS LDLIBS    as usual
#             DESTDIR, PLUGINDIR    where `install` puts the plug-in    as troupe.pc says
#
#             ALLOW_GLOBALS   yes: link without judging its static data
#             ALLOW_UNDEFINED yes: link although it calls functions that neither it nor its libraries have
#
# A plug-in has no writable static data of its own: state belongs to actors. What breaks this is named and
# refused when the plug-in is linked; one that was linked with ALLOW_GLOBALS=yes is loaded only where its unit
# says AllowGlobals=yes as well. See docs/tutorial.md.

ifeq ($(strip $(PLUGIN)),)
$(error set PLUGIN to the name of the plug-in before including plugin.mk)
endif
ifneq ($(words $(PLUGIN)):$(findstring /,$(PLUGIN)),1:)
$(error PLUGIN = $(PLUGIN): a plug-in's name is one word without a slash)
endif

# Asked of pkg-config only where the caller does not know it.
ifndef TROUPE_GEN
TROUPE_GEN := $(shell pkg-config --variable=generator troupe)
endif
ifndef TROUPE_CFLAGS
TROUPE_CFLAGS := $(shell pkg-config --cflags troupe)
endif
ifndef PLUGINDIR
PLUGINDIR = $(shell pkg-config --variable=plugindir troupe)
endif

BUILD ?= build
SOURCES ?= $(wildcard *.c *.cc *.cpp)
INTERFACES ?= $(wildcard *.varlink)

ifeq ($(strip $(SOURCES)),)
$(error there is no *.c, *.cc or *.cpp file in $(CURDIR): set SOURCES to those of the plug-in)
endif
ifneq ($(words $(notdir $(INTERFACES))),$(words $(sort $(notdir $(INTERFACES)))))
$(error INTERFACES = $(INTERFACES): two of them have one name, and would become one header)
endif

troupe_optimize := -g -O2 -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2
CFLAGS ?= $(troupe_optimize) -Wall -Wextra
CXXFLAGS ?= $(troupe_optimize) -Wall -Wextra

# Nothing is exported but the actors' tables. The worker's functions are bound when the plug-in is loaded, so they are
# called without the detour of a PLT. A handler of another type than its method's would be called all the same, and a function
# that was not declared be taken to return int: in C these are errors here, whatever CFLAGS says, -w too (in C++ they always are), as
# is a handler that returns nothing. In C++, statics of templates stay the plug-in's own (only g++ makes them
# unique in the process), and tables that leave fields out, as TROUPE_ACTOR() is meant to, are no reason to warn.
troupe_common_flags = -fPIC -fno-plt -fvisibility=hidden -I$(BUILD)/gen $(TROUPE_CFLAGS) -Werror=return-type
troupe_cflags = $(troupe_common_flags) -Werror=incompatible-pointer-types -Werror=int-conversion \
		-Werror=implicit-function-declaration -Werror=implicit-int
troupe_cxxflags = $(troupe_common_flags) -fvisibility-inlines-hidden -Wno-missing-field-initializers \
		  $(if $(findstring clang,$(CXX)),,-fno-gnu-unique)

# The SDK's functions are found in the worker when the plug-in is loaded, so undefined symbols are no error to the
# linker here; the host names those that nobody has. Before that the linker is asked for all others, with places for the
# SDK's, which says where a function is called that no source and no library has. Not with sanitizers, whose functions
# the worker has. No RUNPATH: plug-ins are loaded from memory.
troupe_ldflags = -shared -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed,--no-undefined-version
troupe_defined = $(if $(filter yes,$(ALLOW_UNDEFINED))$(findstring -fsanitize,$(LDFLAGS)),,\
	-Wl,-z,defs $$($(TROUPE_GEN) --sdk | sed 's/.*/-Wl,--defsym=&=0/'))

troupe_cxx_sources = $(filter %.cc %.cpp,$(SOURCES))
troupe_link = $(if $(troupe_cxx_sources),$(CXX),$(CC)) $(troupe_ldflags) $(LDFLAGS)
troupe_headers = $(patsubst %,$(BUILD)/gen/%.h,$(notdir $(INTERFACES)))
troupe_objects = $(patsubst %,$(BUILD)/%.o,$(SOURCES))

.DELETE_ON_ERROR:
.PHONY: all clean install uninstall
all: $(BUILD)/$(PLUGIN).so
	@:

define troupe_interface
$$(BUILD)/gen/$(notdir $(1)).h: $(1) $$(TROUPE_GEN)
	@mkdir -p $$(@D)
	$$(TROUPE_GEN) $$(GENFLAGS_$(notdir $(1))) -o $$@ $$<
endef
$(foreach interface,$(INTERFACES),$(eval $(call troupe_interface,$(interface))))

# The headers come before all objects; which object depends on which is known after the first build.
$(troupe_objects): | $(troupe_headers)

$(BUILD)/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) $(filter-out -w,$(CPPFLAGS) $(CFLAGS)) $(troupe_cflags) -MMD -MP -MT $@ -c -o $@ $<

$(BUILD)/%.cc.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(troupe_cxxflags) -MMD -MP -MT $@ -c -o $@ $<

$(BUILD)/%.cpp.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(troupe_cxxflags) -MMD -MP -MT $@ -c -o $@ $<

# Linked twice: the first result is judged and read, and the second has the seal, notes of what was found.
troupe_seal = $(BUILD)/gen/$(PLUGIN).seal
troupe_seal_object = $(troupe_seal).o

$(BUILD)/$(PLUGIN).unsealed: $(troupe_objects)
	$(if $(troupe_defined),@$(troupe_link) $(troupe_defined) -o $@ $^ $(LDLIBS))
	@$(troupe_link) -o $@ $^ $(LDLIBS)

$(troupe_seal).c: $(BUILD)/$(PLUGIN).unsealed $(TROUPE_GEN)
	@mkdir -p $(@D)
	$(TROUPE_GEN) --seal $(if $(filter yes,$(ALLOW_GLOBALS)),--allow-globals) $< -o $@

$(troupe_seal).o: $(troupe_seal).c
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(troupe_cflags) -c -o $@ $<

$(BUILD)/$(PLUGIN).so: $(troupe_objects) $(troupe_seal_object)
	$(troupe_link) -o $@ $^ $(LDLIBS)

clean:
	rm -f $(troupe_objects) $(troupe_objects:.o=.d) $(troupe_headers) $(troupe_seal).c $(troupe_seal).o \
		$(BUILD)/$(PLUGIN).unsealed $(BUILD)/$(PLUGIN).so
	-@rmdir $(BUILD)/gen $(BUILD) 2>/dev/null || true

install: all
	install -D -m 644 $(BUILD)/$(PLUGIN).so $(DESTDIR)$(PLUGINDIR)/$(PLUGIN).so

uninstall:
	rm -f $(DESTDIR)$(PLUGINDIR)/$(PLUGIN).so

-include $(troupe_objects:.o=.d)
