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
#             CC CXX CPPFLAGS CFLAGS CXXFLAGS LDFLAGS LDLIBS    as usual: CFLAGS and CXXFLAGS of the Makefile come
#                         behind the defaults (-g -O2 -Wall -Wextra ...), those of the caller stand in their place
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

# What the Makefile says (CFLAGS += -DX, CFLAGS = -O0) comes behind, and so wins; a caller that says something (make CFLAGS=...,
# the environment) is obeyed to the letter. Without optimization the C library warns of _FORTIFY_SOURCE.
troupe_default_flags = -g -O2 -fstack-protector-strong -fstack-clash-protection -Wall -Wextra \
		       $(if $(filter -O0,$(1)),,-D_FORTIFY_SOURCE=2)
troupe_of_makefile = $(filter undefined default file,$(origin $(1)))
troupe_c_flags := $(if $(call troupe_of_makefile,CFLAGS),yes)
troupe_cxx_flags := $(if $(call troupe_of_makefile,CXXFLAGS),yes)
troupe_user_cflags = $(if $(troupe_c_flags),$(call troupe_default_flags,$(CFLAGS))) $(CFLAGS)
troupe_user_cxxflags = $(if $(troupe_cxx_flags),$(call troupe_default_flags,$(CXXFLAGS))) $(CXXFLAGS)

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
	$(CC) $(filter-out -w,$(CPPFLAGS) $(troupe_user_cflags)) $(troupe_cflags) -MMD -MP -MT $@ -c -o $@ $<

$(BUILD)/%.cc.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(troupe_user_cxxflags) $(troupe_cxxflags) -MMD -MP -MT $@ -c -o $@ $<

$(BUILD)/%.cpp.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(troupe_user_cxxflags) $(troupe_cxxflags) -MMD -MP -MT $@ -c -o $@ $<

# What the plug-in is made of. When a file has gone, what was made of it goes, too, and the plug-in is linked again.
troupe_parts = $(BUILD)/gen/$(PLUGIN).parts
troupe_made_of := $(strip $(troupe_objects) $(troupe_headers))
troupe_was_made_of := $(strip $(file <$(troupe_parts)))
ifneq ($(troupe_was_made_of),$(troupe_made_of))
.PHONY: troupe_other_parts
$(troupe_parts): troupe_other_parts
endif
troupe_gone := $(filter-out $(troupe_made_of),$(troupe_was_made_of))

$(troupe_parts):
	@mkdir -p $(@D)
	@rm -f $(troupe_gone) $(patsubst %.o,%.d,$(filter %.o,$(troupe_gone)))
	@echo '$(troupe_made_of)' >$@

$(troupe_objects): | $(troupe_parts)

# Linked twice: the first result is judged and read, and the second has the seal, notes of what was found.
troupe_seal = $(BUILD)/gen/$(PLUGIN).seal
troupe_seal_object = $(troupe_seal).o

$(BUILD)/$(PLUGIN).unsealed: $(troupe_objects) $(troupe_parts)
	$(if $(troupe_defined),@$(troupe_link) $(troupe_defined) -o $@ $(troupe_objects) $(LDLIBS))
	@$(troupe_link) -o $@ $(troupe_objects) $(LDLIBS)

$(troupe_seal).c: $(BUILD)/$(PLUGIN).unsealed $(TROUPE_GEN)
	@mkdir -p $(@D)
	$(TROUPE_GEN) --seal $(if $(filter yes,$(ALLOW_GLOBALS)),--allow-globals) $< -o $@

$(troupe_seal).o: $(troupe_seal).c
	@$(CC) $(CPPFLAGS) $(troupe_user_cflags) $(troupe_cflags) -c -o $@ $<

$(BUILD)/$(PLUGIN).so: $(troupe_objects) $(troupe_seal_object)
	$(troupe_link) -o $@ $^ $(LDLIBS)

clean:
	rm -f $(troupe_objects) $(troupe_objects:.o=.d) $(troupe_headers) $(troupe_seal).c $(troupe_seal).o $(troupe_parts) \
		$(BUILD)/$(PLUGIN).unsealed $(BUILD)/$(PLUGIN).so
	-@rmdir $(BUILD)/gen $(BUILD) 2>/dev/null || true

# Where Troupe's own plug-ins are, none of them is overwritten, nor removed with ours.
TROUPE_PLUGINS ?= $(shell pkg-config --variable=plugins troupe)
troupe_place = $(PLUGINDIR)/$(PLUGIN).so
troupe_is_free = $(if $(filter $(PLUGIN),$(TROUPE_PLUGINS)),@[ "$(PLUGINDIR)" != "$$(pkg-config --variable=plugindir troupe)" ] || \
	{ echo "$(troupe_place) is a plug-in of Troupe's own: choose another PLUGIN= or PLUGINDIR=" >&2; exit 1; })

install: all
	$(troupe_is_free)
	install -D -m 644 $(BUILD)/$(PLUGIN).so $(DESTDIR)$(troupe_place)

uninstall:
	$(troupe_is_free)
	rm -f $(DESTDIR)$(troupe_place)

-include $(troupe_objects:.o=.d)
