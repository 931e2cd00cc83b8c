#include "proto/sdk_symbols.h"

#include "release.h"
#include <stddef.h>
#include <string.h>

static const char *const symbols[] = {TROUPE_SDK_SYMBOLS};

const char *sdk_symbol(unsigned i)
{
	return i < sizeof(symbols) / sizeof(symbols[0]) ? symbols[i] : NULL;
}

bool sdk_has_symbol(const char *name)
{
	for (unsigned i = 0; sdk_symbol(i); i++)
		if (strcmp(name, sdk_symbol(i)) == 0)
			return true;
	return false;
}
