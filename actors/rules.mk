# Plug-ins: those that ship with the daemon, and those that misbehave for the tests. Each is built by
# packaging/plugin.mk, in the way that anybody's plug-in is.

# What a plug-in needs that nothing else does, for pkg-config; the Debian package that has it. Without it all but that plug-in
# is built.
PLUGIN_NEEDS_http-client = libcurl >= 7.88.0
PLUGIN_PACKAGE_http-client = libcurl4-gnutls-dev
PLUGIN_NEEDS_http-server = libmicrohttpd >= 0.9.75 gnutls
PLUGIN_PACKAGE_http-server = libmicrohttpd-dev

ALL_PLUGIN_FOLDERS = $(patsubst actors/%/Makefile,%,$(wildcard actors/*/Makefile))
PLUGINS_LEFT_OUT := $(foreach name,$(ALL_PLUGIN_FOLDERS),$(if $(PLUGIN_NEEDS_$(name)),$(if \
	$(shell $(PKG_CONFIG) --exists '$(PLUGIN_NEEDS_$(name))' 2>/dev/null && echo yes),,$(name))))
PLUGIN_FOLDERS = $(filter-out $(PLUGINS_LEFT_OUT),$(ALL_PLUGIN_FOLDERS))
PLUGINS = $(PLUGIN_FOLDERS:%=$(BUILD)/plugins/%.so)

TEST_PLUGIN_FOLDERS = $(patsubst tests/actors/%/Makefile,%,$(wildcard tests/actors/*/Makefile))
TEST_PLUGINS = $(TEST_PLUGIN_FOLDERS:%=$(BUILD)/test-plugins/%.so)

.PHONY: plugins test-plugins
plugins: $(PLUGINS)
	@$(foreach name,$(PLUGINS_LEFT_OUT),echo '  --   plugins/$(name).so is left out: it needs $(PLUGIN_NEEDS_$(name)) (apt-get install $(PLUGIN_PACKAGE_$(name)))';) :
test-plugins: $(TEST_PLUGINS)
all: plugins

# The same optimization and sanitizers as the worker has that loads them.
PLUGIN_CFLAGS = $(OPTIMIZE) $(WARNINGS) $(CFLAGS)
PLUGIN_CXXFLAGS = $(filter-out -Wmissing-prototypes -Wstrict-prototypes,$(PLUGIN_CFLAGS))
PLUGIN_LDFLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

# Always entered: the plug-in's own make knows what has changed. $(1): the folder; $(2): where results go.
MAKE_PLUGIN = $(MAKE) --no-print-directory $(if $(filter 0,$(V)),-s) -C $(1) PLUGIN_MK=$(CURDIR)/packaging/plugin.mk \
	TROUPE_GEN=$(abspath $(BUILD)/troupe-gen) TROUPE_CFLAGS=-I$(CURDIR)/include \
	BUILD=$(abspath $(2)) CC="$(CC)" CXX="$(CXX)" \
	CFLAGS="$(PLUGIN_CFLAGS)" CXXFLAGS="$(PLUGIN_CXXFLAGS)" LDFLAGS="$(PLUGIN_LDFLAGS)"

# A copy only when it is another one, so that what depends on it is not made anew each time.
define plugin_rules
$$(BUILD)/$(1)/$(3).so: FORCE $$(BUILD)/troupe-gen
	+@$$(call MAKE_PLUGIN,$(2),$$(BUILD)/$(1)/$(3))
	@cmp -s $$(BUILD)/$(1)/$(3)/$(3).so $$@ || echo '  SO   $(1)/$(3).so'
	@cmp -s $$(BUILD)/$(1)/$(3)/$(3).so $$@ || cp $$(BUILD)/$(1)/$(3)/$(3).so $$@
endef
$(foreach name,$(PLUGIN_FOLDERS),$(eval $(call plugin_rules,plugins,actors/$(name),$(name))))
$(foreach name,$(TEST_PLUGIN_FOLDERS),$(eval $(call plugin_rules,test-plugins,tests/actors/$(name),$(name))))

# Needs what building needs, and nothing that only the tests do.
.PHONY: demo
demo: deps-build
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@actors/demo $(BUILD)

.PHONY: demo-pipeline
demo-pipeline: deps-build
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@actors/demo-pipeline $(BUILD)

# The tests of loader and worker load them, those of the master inspect one.
unit-plugin unit-worker unit-master: | plugins test-plugins
unit-worker: | $(BUILD)/troupe-worker
