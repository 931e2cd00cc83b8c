/* conf_path.c - the directories of a daemon. */
#include "config/conf_path.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "config.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One part of a name: the text before or after its "@". */
static bool is_name_part(const char *text, size_t size)
{
	return size > 0 && *text != '.' && *text != '-' &&
	       strspn(text, CONF_LETTERS "0123456789_.-") >= size;
}

/* "0.1.1.17.3": the control interface takes this for an actor's address. */
static bool is_like_address(const char *text)
{
	unsigned dots = 0;

	if (text[strspn(text, "0123456789.")] != '\0')
		return false;
	for (; *text; text++)
		dots += *text == '.';
	return dots == 4;
}

bool conf_is_unit_name(const char *text)
{
	const char *at = strchrnul(text, '@');

	if (strlen(text) > LIMIT_NAME || is_like_address(text) ||
	    !is_name_part(text, (size_t)(at - text)))
		return false;
	return *at == '\0' || is_name_part(at + 1, strlen(at + 1));
}

static int add_directory(char **directories, size_t *n, char *directory)
{
	if (!directory)
		return -ENOMEM;
	if (*n == CONF_PATH_DIRECTORIES) {
		free(directory);
		return -ENOSPC;
	}
	directories[(*n)++] = directory;
	return 0;
}

/* "PARENT/troupe-X" and what follows it; given. */
static char *name_directory(const char *parent, const struct conf_scope *scope,
			    const char *below)
{
	return text_printf("%s/troupe%s%s%s", parent, scope->instance ? "-" : "",
			   scope->instance ? scope->instance : "", below);
}

/* An absolute path from the environment, else the one below HOME; given. -EINVAL: neither is
 * set. */
static int find_base(const char *variable, const char *below_home, char **ret_base)
{
	const char *value = getenv(variable), *home = getenv("HOME");

	if (value && *value == '/')
		*ret_base = strdup(value);
	else if (!home || *home != '/')
		return -EINVAL;
	else
		*ret_base = text_printf("%s/%s", home, below_home);
	return *ret_base ? 0 : -ENOMEM;
}

static int init_user(struct conf_path *path, const struct conf_scope *scope)
{
	cleanup_free char *config = NULL, *data = NULL, *state = NULL;
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int r;

	if (runtime && *runtime != '/')
		runtime = NULL;
	r = find_base("XDG_CONFIG_HOME", ".config", &config);
	if (r == 0)
		r = find_base("XDG_DATA_HOME", ".local/share", &data);
	if (r == 0)
		r = find_base("XDG_STATE_HOME", ".local/state", &state);
	if (r < 0)
		return r;
	path->state = name_directory(state, scope, "");
	path->runtime = runtime ? name_directory(runtime, scope, "") : NULL;
	if (!path->state || (runtime && !path->runtime))
		return -ENOMEM;
	r = add_directory(path->plugins, &path->n_plugins,
			  name_directory(data, scope, "/plugins"));
	const struct {
		const char *parent, *below;
	} places[] = {{config, ""},
		      {runtime, "/config"},
		      {data, ""},
		      {"/usr/local/lib", "/user"},
		      {"/usr/lib", "/user"}};
	for (size_t i = 0; i < ARRAY_LEN(places) && r == 0 && !scope->config; i++)
		if (places[i].parent)
			r = add_directory(
				path->directories, &path->n,
				name_directory(places[i].parent, scope, places[i].below));
	return r;
}

static int init_system(struct conf_path *path, const struct conf_scope *scope)
{
	static const char *const parents[] = {TROUPE_SYSCONFDIR, "/run", "/usr/local/lib",
					      "/usr/lib"};
	int r = 0;

	path->runtime = name_directory("/run", scope, "");
	path->state = name_directory("/var/lib", scope, "");
	if (!path->runtime || !path->state)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(parents) && r == 0 && !scope->config; i++)
		r = add_directory(path->directories, &path->n,
				  name_directory(parents[i], scope, ""));
	return r;
}

bool conf_is_instance_name(const char *text)
{
	return conf_is_unit_name(text) && !strchr(text, '@');
}

bool conf_is_socket_name(const char *text)
{
	static const char unit[] = ".socket";
	const size_t size = strlen(text), tail = sizeof(unit) - 1;

	return size <= LIMIT_NAME && is_name_part(text, size) &&
	       (size < tail || strcmp(text + size - tail, unit) != 0) &&
	       strcmp(text, "control") != 0 && strcmp(text, "unknown") != 0;
}

int conf_path_init(struct conf_path *path, const struct conf_scope *scope)
{
	int r;

	*path = (struct conf_path){.required = scope->config};
	if (scope->instance && !conf_is_instance_name(scope->instance))
		return -EINVAL;
	r = scope->user ? init_user(path, scope) : init_system(path, scope);
	if (r == 0 && scope->config)
		r = conf_path_add(path, scope->config);
	if (r == 0)
		r = conf_path_add_plugins(path, TROUPE_PLUGINDIR);
	if (r < 0)
		conf_path_fini(path);
	return r;
}

void conf_path_fini(struct conf_path *path)
{
	for (size_t i = 0; i < path->n; i++)
		free(path->directories[i]);
	for (size_t i = 0; i < path->n_plugins; i++)
		free(path->plugins[i]);
	free(path->runtime);
	free(path->state);
	*path = (struct conf_path){0};
}

int conf_path_add(struct conf_path *path, const char *directory)
{
	return add_directory(path->directories, &path->n, strdup(directory));
}

int conf_path_add_plugins(struct conf_path *path, const char *directory)
{
	return add_directory(path->plugins, &path->n_plugins, strdup(directory));
}
