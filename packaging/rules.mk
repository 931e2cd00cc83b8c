# Installing, and what has to be there before.

.PHONY: deps deps-build deps-test install uninstall
deps:
	@packaging/deps test
deps-build:
	@packaging/deps build
deps-test:
	@packaging/deps test

# What is written where, MODE:PLACE:FILE each: `install` and `uninstall` both go by it.
placed = $(foreach file,$(3),$(1):$(2)/$(notdir $(file)):$(file))
MANIFEST = $(call placed,0755,$(bindir),$(addprefix $(BUILD)/,trouped troupectl troupe-gen)) \
	$(call placed,0755,$(libexecdir),$(addprefix $(BUILD)/,troupe-worker troupe-symbolize)) \
	$(call placed,0644,$(includedir)/troupe,$(wildcard include/troupe/*.h)) \
	$(call placed,0644,$(datadir)/troupe,packaging/plugin.mk) \
	$(call placed,0644,$(datadir)/troupe/interfaces,proto/io.troupe.Control.varlink actors/http-client/http-client.varlink) \
	$(call placed,0644,$(plugindir),$(PLUGINS)) \
	$(call placed,0644,$(datadir)/doc/troupe,README.md CHANGELOG.md LICENSE) \
	$(call placed,0644,$(datadir)/doc/troupe/docs,$(wildcard docs/*.md)) \
	$(call placed,0644,$(datadir)/doc/troupe/docs/plots,$(wildcard docs/plots/*)) \
	$(call placed,0644,$(datadir)/doc/troupe/examples,$(wildcard config/*)) \
	$(foreach section,1 5 8,$(call placed,0644,$(mandir)/man$(section),$(wildcard docs/man/*.$(section)))) \
	0644:$(datadir)/bash-completion/completions/troupectl:packaging/completion/troupectl.bash \
	$(call placed,0644,$(datadir)/pkgconfig,$(BUILD)/packaging/troupe.pc) \
	$(call placed,0644,$(unitdir),$(BUILD)/packaging/trouped.service packaging/trouped.socket)

# Directories that are Troupe's alone; empty ones go with the rest. What an administrator put there stays.
OWN_DIRECTORIES = $(libexecdir) $(includedir)/troupe $(datadir)/troupe/interfaces $(datadir)/troupe $(plugindir) \
	$(libdir)/troupe $(addprefix $(datadir)/doc/troupe/,docs/plots docs examples) $(datadir)/doc/troupe \
	$(sysconfdir)/troupe

SUBSTITUTE = sed -e 's|@version@|$(VERSION)|g' -e 's|@prefix@|$(PREFIX)|g' -e 's|@bindir@|$(bindir)|g' \
	-e 's|@libdir@|$(libdir)|g' -e 's|@includedir@|$(includedir)|g' -e 's|@datadir@|$(datadir)|g' \
	-e 's|@plugindir@|$(plugindir)|g' -e 's|@plugins@|$(PLUGIN_FOLDERS)|g' -e 's|@libexecdir@|$(libexecdir)|g'
# As it was or whole: several may install from one build at a time.
$(BUILD)/packaging/%: packaging/%.in FORCE
	@mkdir -p $(@D)
	@new=$@.$$$$; $(SUBSTITUTE) $< > $$new && if cmp -s $$new $@; then rm $$new; else mv $$new $@; fi

install: $(BINARIES) plugins $(BUILD)/packaging/troupe.pc $(BUILD)/packaging/trouped.service
	@set -e; for entry in $(MANIFEST); do \
		mode=$${entry%%:*}; rest=$${entry#*:}; \
		install -D -m $$mode -T "$${rest#*:}" "$(DESTDIR)$${rest%%:*}"; \
	done
	@mkdir -p $(DESTDIR)$(sysconfdir)/troupe
	@echo "installed below $(DESTDIR)$(PREFIX); configuration: $(DESTDIR)$(sysconfdir)/troupe, units: $(DESTDIR)$(unitdir)"
	@$(if $(system_prefix),:,echo "to build plug-ins: export PKG_CONFIG_PATH=$(datadir)/pkgconfig"; \
		echo "to run it as a service: systemctl enable $(unitdir)/trouped.service $(unitdir)/trouped.socket")

uninstall:
	@for entry in $(MANIFEST); do rest=$${entry#*:}; rm -f "$(DESTDIR)$${rest%%:*}"; done
	@for directory in $(OWN_DIRECTORIES); do rmdir "$(DESTDIR)$$directory" 2> /dev/null || true; done
	@left=$$(echo $$(ls -d $(addprefix $(DESTDIR),$(OWN_DIRECTORIES)) 2> /dev/null)); \
		echo "removed from $(DESTDIR)$(PREFIX)$${left:+; left, since files of others are in there: $$left}"
