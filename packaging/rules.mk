# Installing, and what has to be there before.

.PHONY: deps deps-build deps-test install
deps:
	@packaging/deps test
deps-build:
	@packaging/deps build
deps-test:
	@packaging/deps test

# Where this systemd looks for units; /usr/lib/systemd/system is not looked at by every tool of Debian 12.
unitdir ?= $(or $(shell $(PKG_CONFIG) --variable=systemdsystemunitdir systemd 2>/dev/null),/lib/systemd/system)

INSTALL = install -D -m 0644
INSTALL_PROGRAM = install -D -m 0755
# `make install` run as root after `make` must not find everything stale because a file is newer.
SUBSTITUTE = sed -e 's|@version@|$(VERSION)|g' -e 's|@prefix@|$(PREFIX)|g' -e 's|@bindir@|$(bindir)|g' \
	-e 's|@libdir@|$(libdir)|g' -e 's|@includedir@|$(includedir)|g' -e 's|@datadir@|$(datadir)|g' \
	-e 's|@plugindir@|$(plugindir)|g' -e 's|@libexecdir@|$(libexecdir)|g'

install: $(BINARIES) plugins
	$(INSTALL_PROGRAM) -t $(DESTDIR)$(bindir) $(BUILD)/trouped $(BUILD)/troupectl $(BUILD)/troupe-gen
	$(INSTALL_PROGRAM) -t $(DESTDIR)$(libexecdir) $(BUILD)/troupe-worker
	$(INSTALL) -t $(DESTDIR)$(includedir)/troupe include/troupe/*.h
	$(INSTALL) -t $(DESTDIR)$(datadir)/troupe packaging/plugin.mk
	$(INSTALL) -t $(DESTDIR)$(datadir)/troupe/interfaces proto/io.troupe.Control.varlink
	$(INSTALL) -t $(DESTDIR)$(plugindir) $(PLUGINS)
	$(INSTALL) -t $(DESTDIR)$(datadir)/doc/troupe README.md CHANGELOG.md LICENSE
	$(INSTALL) -t $(DESTDIR)$(datadir)/doc/troupe/docs docs/*.md
	$(INSTALL) -t $(DESTDIR)$(datadir)/doc/troupe/docs/plots docs/plots/*
	$(INSTALL) -t $(DESTDIR)$(datadir)/doc/troupe/examples config/*
	$(INSTALL) -t $(DESTDIR)$(mandir)/man1 docs/man/*.1
	$(INSTALL) -t $(DESTDIR)$(mandir)/man5 docs/man/*.5
	$(INSTALL) -t $(DESTDIR)$(mandir)/man8 docs/man/*.8
	$(INSTALL) -T packaging/completion/troupectl.bash $(DESTDIR)$(datadir)/bash-completion/completions/troupectl
	@mkdir -p $(DESTDIR)$(datadir)/pkgconfig $(DESTDIR)$(unitdir) $(DESTDIR)$(sysconfdir)/troupe
	$(SUBSTITUTE) packaging/troupe.pc.in > $(DESTDIR)$(datadir)/pkgconfig/troupe.pc
	$(SUBSTITUTE) packaging/trouped.service.in > $(DESTDIR)$(unitdir)/trouped.service
	$(INSTALL) -t $(DESTDIR)$(unitdir) packaging/trouped.socket
	chmod 0644 $(DESTDIR)$(datadir)/pkgconfig/troupe.pc $(DESTDIR)$(unitdir)/trouped.service
