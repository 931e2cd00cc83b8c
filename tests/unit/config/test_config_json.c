/* test_config_json.c - [Config] as JSON: each kind of field, each mistake with its message. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "config/conf.h"
#include "config/config_json.h"
#include "proto/json.h"
#include "proto/layout.h"

static const char config_layout[] = "(greeting:?string,verbose:?bool,limit:?int,share:?float,"
				    "level:?{debug,info,warning},words:?[]string,"
				    "numbers:?[]int,listen:?(port:int,address:?string),env:?["
				    "string]string,limits:?[string](port:int,address:"
				    "?string),peers:?[](host:string,port:?int),extra:?object,"
				    "matrix:?[][]int,node:?(name:?string,next:?^0),"
				    "key:?binary,friend:?address)";

static const char required_layout[] =
	"(name:string,tags:[]string,env:[string]int,listen:(port:int,address:?string),"
	"inner:(a:?int))";

struct fixture {
	struct layout *config, *required;
	struct conf conf;
	struct problems problems;
	char text[512];
};

static int group_setup(void **state)
{
	static struct fixture fixture;

	*state = &fixture;
	if (layout_parse(config_layout, strlen(config_layout), &fixture.config) < 0)
		return -1;
	return layout_parse(required_layout, strlen(required_layout), &fixture.required);
}

static int group_teardown(void **state)
{
	struct fixture *f = *state;

	layout_free(f->config);
	layout_free(f->required);
	return 0;
}

/* The JSON that assignments make, or the problems, a line each. */
static const char *convert(struct fixture *f, const struct layout *layout,
			   const char *assignments)
{
	struct unit_file unit = {.name = (char[]){"u"}, .file = (char[]){"u.actor"}};
	cleanup_free char *text = NULL, *json = NULL;
	int r;

	f->text[0] = '\0';
	assert_true(asprintf(&text, "[Config]\n%s\n", assignments) > 0);
	f->conf = (struct conf){0};
	f->problems = (struct problems){0};
	assert_int_equal(conf_parse(&f->conf, "u.actor", text, strlen(text), NULL), 0);
	unit.config = f->conf;
	r = config_json(&unit, layout ? layout_type(layout) : NULL, &json, &f->problems);
	assert_int_equal(r, f->problems.n > 0 ? -EINVAL : 0);
	for (size_t i = 0; i < f->problems.n; i++) {
		size_t used = strlen(f->text);

		if (i > 0)
			f->text[used++] = '\n';
		problem_print(&f->problems.items[i], f->text + used, sizeof(f->text) - used);
	}
	if (json)
		snprintf(f->text, sizeof(f->text), "%s", json);
	conf_fini(&f->conf);
	problems_fini(&f->problems);
	return f->text;
}

static void assignment_becomes_json_by_its_type(void **state)
{
	static const char *const cases[][2] = {
		{"", "{}"},
		{"Greeting=hello, \"you\" \\n 'there'",
		 "{\"greeting\":\"hello, \\\"you\\\" \\\\n 'there'\"}"},
		{"GREETING=\" in quotes\\t\"", "{\"greeting\":\" in quotes\\t\"}"},
		{"greeting=''", "{\"greeting\":\"\"}"},
		{"Greeting=a\nGreeting=b", "{\"greeting\":\"b\"}"},
		{"Greeting=a\nGreeting=", "{}"},
		{"Verbose=yes", "{\"verbose\":true}"},
		{"Verbose=off", "{\"verbose\":false}"},
		{"Limit=64K", "{\"limit\":65536}"},
		{"Limit=-7", "{\"limit\":-7}"},
		{"Limit=-9223372036854775808", "{\"limit\":-9223372036854775808}"},
		{"Limit=9223372036854775807", "{\"limit\":9223372036854775807}"},
		{"Share=0.5", "{\"share\":0.5}"},
		{"Share=-1e3", "{\"share\":-1000.0}"},
		{"Level=warning", "{\"level\":\"warning\"}"},
		{"Words=one \"two three\"\nWords=four",
		 "{\"words\":[\"one\",\"two three\",\"four\"]}"},
		{"Words=one\nWords=\nWords=two", "{\"words\":[\"two\"]}"},
		{"Words=one\nWords=", "{}"},
		{"Words='\"a\"'", "{\"words\":[\"\\\"a\\\"\"]}"},
		{"Numbers=1 2K", "{\"numbers\":[1,2048]}"},
		{"Listen.Port=80\nListen.Address=::",
		 "{\"listen\":{\"port\":80,\"address\":\"::\"}}"},
		{"Listen={\"port\": 1}\nListen.Port=2", "{\"listen\":{\"port\":2}}"},
		{"Listen.Port=80\nListen=", "{}"},
		{"Env.PATH=/bin\nEnv.a.b=c", "{\"env\":{\"PATH\":\"/bin\",\"a.b\":\"c\"}}"},
		{"Limits.x.Port=1\nLimits.y.Port=2",
		 "{\"limits\":{\"x\":{\"port\":1},\"y\":{\"port\":2}}}"},
		{"Peers={\"host\":\"a\"}\nPeers={\"host\":\"b\",\"port\":1}",
		 "{\"peers\":[{\"host\":\"a\"},{\"host\":\"b\",\"port\":1}]}"},
		{"Peers=[{\"host\":\"a\"},{\"host\":\"b\"}]",
		 "{\"peers\":[{\"host\":\"a\"},{\"host\":\"b\"}]}"},
		{"Matrix=[1,2]\nMatrix=[]", "{\"matrix\":[[1,2],[]]}"},
		{"Extra={\"any\": [null, {\"x\": 1.5}]}",
		 "{\"extra\":{\"any\":[null,{\"x\":1.5}]}}"},
		{"Extra=[1]", "{\"extra\":[1]}"},
		{"Key=aGVsbG8=", "{\"key\":\"aGVsbG8=\"}"},
		{"Friend=0.2.1.4711.3", "{\"friend\":\"0.2.1.4711.3\"}"},
		{"Node.Next.Next.Name=x", "{\"node\":{\"next\":{\"next\":{\"name\":\"x\"}}}}"},
		{"Node={\"name\": null, \"next\": {\"next\": null}}",
		 "{\"node\":{\"name\":null,\"next\":"
		 "{\"next\":null}}}"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct codec_error error;
		void *block;
		size_t size;

		assert_string_equal(convert(f, f->config, cases[i][0]), cases[i][1]);
		/* And the worker's decoder takes it. */
		assert_int_equal(json_decode(layout_type(f->config), f->text, strlen(f->text),
					     &block, &size, &error),
				 0);
		free(block);
	}
}

static void mistake_is_named_with_file_and_line(void **state)
{
	static const char *const cases[][2] = {
		{"Greetin=x",
		 "u.actor:2: Greetin=: the plug-in's Config has no field Greetin; did you mean "
		 "greeting?"},
		{"Colour=x", "u.actor:2: Colour=: the plug-in's Config has no field Colour"},
		{"Listen.Prt=1",
		 "u.actor:2: Listen.Prt=: the plug-in's Config has no field Prt; did you mean "
		 "port?"},
		{"Greeting.x=1", "u.actor:2: Greeting.x=: greeting is a single value, nothing "
				 "can follow it "
				 "after a dot"},
		{"Peers.Host=a",
		 "u.actor:2: Peers.Host=: peers is a list, nothing can follow it after a "
		 "dot"},
		{"Extra.x=a", "u.actor:2: Extra.x=: extra is an object, nothing can "
			      "follow it after a dot"},
		{"Env.=a", "u.actor:2: Env.=: a name is missing beside a dot"},
		{"Greeting=\"a\" b",
		 "u.actor:2: Greeting=\"a\" b: the quotes end before the value does; put all "
		 "of it in quotes"},
		{"Greeting=\"a", "u.actor:2: Greeting=\"a: a \" is not closed"},
		{"Verbose=maybe", "u.actor:2: Verbose=maybe: must be yes or no"},
		{"Limit=x", "u.actor:2: Limit=x: must be a whole number, like 80 or 64K"},
		{"Limit=1.0", "u.actor:2: Limit=1.0: must be a whole number, like 80 or 64K"},
		{"Limit=9223372036854775808",
		 "u.actor:2: Limit=9223372036854775808: must be from "
		 "-9223372036854775808 to 9223372036854775807"},
		{"Share=inf", "u.actor:2: Share=inf: must be a number, like 0.5"},
		{"Share=1e999", "u.actor:2: Share=1e999: is out of the range of numbers"},
		{"Share=0x1p3", "u.actor:2: Share=0x1p3: must be a number, like 0.5"},
		{"Level=warnin",
		 "u.actor:2: Level=warnin: there is no such choice; did you mean warning?"},
		{"Level=loud", "u.actor:2: Level=loud: must be one of debug, info, warning"},
		{"Numbers=1 two",
		 "u.actor:2: Numbers=1 two: must be a whole number, like 80 or 64K"},
		{"Words='x",
		 "u.actor:2: Words='x: a ' is not closed; write \\' for an apostrophe"},
		{"Listen=80", "u.actor:2: Listen=80: an object, found a number"},
		{"Listen={\"port\":\"x\"}",
		 "u.actor:2: Listen={\"port\":\"x\"}: port: an int, found a string"},
		{"Listen={}", "u.actor:2: Listen={}: port: the field is missing"},
		{"Listen={\"port\":1,\"x\":1}",
		 "u.actor:2: Listen={\"port\":1,\"x\":1}: x: the type has "
		 "no such field"},
		{"Listen=[]", "u.actor:2: Listen=[]: an object, found an array"},
		{"Peers=[{\"host\":\"a\"},{\"host\":1}]",
		 "u.actor:2: Peers=[{\"host\":\"a\"},{\"host\":1}]: "
		 "[1].host: a string, found a number"},
		{"Matrix={}", "u.actor:2: Matrix={}: an array, found an object"},
		{"Listen=port",
		 "u.actor:2: Listen=port: must be JSON text: expected a value at byte 0"},
		{"Extra={\"a\":1,\"a\":2}",
		 "u.actor:2: Extra={\"a\":1,\"a\":2}: must be JSON text: the key "
		 "\"a\" twice"},
		{"Key=a", "u.actor:2: Key=a: must be base64"},
		{"Key=aGVsbG9=", "u.actor:2: Key=aGVsbG9=: must be base64"},
		{"Friend=1.2.3",
		 "u.actor:2: Friend=1.2.3: must be an address, like 0.1.1.17.3"},
		{"Friend=0.70000.1.1.1",
		 "u.actor:2: Friend=0.70000.1.1.1: must be an address, like 0.1.1.17.3"},
		{"Listen.Address=x",
		 "u.actor: [Config] lacks listen.port=, which the plug-in requires"},
		{"Limits.a.Address=x",
		 "u.actor: [Config] lacks limits.a.port=, which the plug-in requires"},
		{"Limit=x\nVerbose=y\nLevel=info",
		 "u.actor:2: Limit=x: must be a whole number, like 80 or 64K"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(convert(f, f->config, cases[i][0]), cases[i][1]);
}

/* As deep as messages may be, and one level more: by key, and by key and JSON text together. */
static void nesting_has_the_limit_of_messages(void **state)
{
	struct fixture *f = *state;
	char text[1024] = "Node";

	for (unsigned depth = 2; depth < CODEC_DEPTH_MAX; depth++)
		strcat(text, ".Next");
	strcat(text, ".Name=x");
	assert_null(strstr(convert(f, f->config, text), "u.actor"));
	text[strlen(text) - strlen("Name=x")] = '\0';
	strcat(text, "Next.Name=x");
	assert_non_null(strstr(convert(f, f->config, text), "=: nested too deeply"));
	text[strlen(text) - strlen("Next.Name=x")] = '\0';
	strcat(text, "Next={\"name\":\"x\"}");
	assert_non_null(strstr(convert(f, f->config, text), "[Config] node.next.next"));
	assert_non_null(strstr(f->text, "deep"));
}

static void required_fields_must_be_set(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(convert(f, f->required, ""),
			    "u.actor: [Config] lacks name=, which the plug-in requires\n"
			    "u.actor: [Config] lacks tags=, which the plug-in requires\n"
			    "u.actor: [Config] lacks env=, which the plug-in requires\n"
			    "u.actor: [Config] lacks listen.port=, which the plug-in requires");
	/* Empty lists and maps are given by an empty value; a struct of optional fields comes
	 * by itself. */
	assert_string_equal(
		convert(f, f->required, "Name=n\nTags=\nEnv=\nListen.Port=1"),
		"{\"name\":\"n\",\"tags\":[],\"env\":{},\"listen\":{\"port\":1},\"inner\":{}}");
}

static void section_is_refused_when_the_plugin_takes_none(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(convert(f, NULL, ""), "");
	assert_string_equal(convert(f, NULL, "A=1\nB=2"),
			    "u.actor:2: this plug-in takes no configuration; remove "
			    "the [Config] section");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(assignment_becomes_json_by_its_type),
		cmocka_unit_test(mistake_is_named_with_file_and_line),
		cmocka_unit_test(nesting_has_the_limit_of_messages),
		cmocka_unit_test(required_fields_must_be_set),
		cmocka_unit_test(section_is_refused_when_the_plugin_takes_none),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
