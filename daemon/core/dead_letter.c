#include "core/dead_letter.h"
#include "core/page.h"
#include <string.h>

#define NAME_BYTES 512

/* "interface.Method" of a method, cut to fit. */
static void print_method(const struct troupe_method *method, char buffer[static NAME_BYTES])
{
	size_t interface = strnlen(method->interface, NAME_BYTES / 2 - 1);
	size_t name = strnlen(method->name, NAME_BYTES / 2 - 1);

	memcpy(buffer, method->interface, interface);
	buffer[interface] = '.';
	memcpy(buffer + interface + 1, method->name, name);
	buffer[interface + 1 + name] = '\0';
}

void dead_letter_named(struct runtime *runtime, struct troupe_address from,
		       struct troupe_address to, const char *name, const char *reason)
{
	runtime->dead_letters++;
	page_store(&runtime->page->dead_letters, runtime->dead_letters);
	if (runtime->ops->on_dead_letter)
		runtime->ops->on_dead_letter(runtime->context, from, to, name, reason);
}

void dead_letter(struct runtime *runtime, struct troupe_address from, struct troupe_address to,
		 const struct troupe_method *method, const char *reason)
{
	char name[NAME_BYTES] = "";

	if (from.worker == 0) /* a client has no address */
		from = (struct troupe_address){0};
	if (method)
		print_method(method, name);
	dead_letter_named(runtime, from, to, name, reason);
}
