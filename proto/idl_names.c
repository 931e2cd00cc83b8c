#include "proto/idl_names.h"

#include "proto/idl.h"

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_alpha(char c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z');
}

static bool is_alnum(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9');
}

/* [A-Za-z](-*[A-Za-z0-9])*(\.[A-Za-z0-9](-*[A-Za-z0-9])*)+ */
int idl_is_interface_name(const char *text, size_t size)
{
	size_t dots = 0;

	if (size == 0 || size > IDL_NAME_MAX || !is_alpha(text[0]))
		return 0;
	for (size_t i = 0; i < size; i++) {
		bool edge = i == 0 || text[i - 1] == '.' || i + 1 == size || text[i + 1] == '.';

		if (text[i] == '.') {
			if (i + 1 == size || text[i - 1] == '.')
				return 0;
			dots++;
		} else if (!is_alnum(text[i]) && (text[i] != '-' || edge)) {
			return 0;
		}
	}
	return dots > 0;
}

bool idl_is_member_name(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!is_alnum(text[i]))
			return false;
	return size > 0 && is_upper(text[0]);
}

bool idl_is_field_name(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (is_alnum(text[i]))
			continue;
		if (text[i] != '_' || i + 1 == size || text[i + 1] == '_')
			return false;
	}
	return size > 0 && is_alpha(text[0]);
}
