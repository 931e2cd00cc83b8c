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
#include "proto/idl.h"
#include "proto/json.h"
#include "proto/layout.h"

static const char idl_text[] =
	"interface io.troupe.test\n"
	"type Level (debug, info, warning)\n"
	"type Listen (port: int, address: ?string)\n"
	"type Peer (host: string, port: ?int)\n"
	"type Node (name: ?string, next: ?Node)\n"
	"type Config (\n"
	"  greeting: ?string, verbose: ?bool, limit: ?int, share: ?float,\n"
	"  level: ?Level, words: ?[]string, numbers: ?[]int, listen: ?Listen,\n"
	"  env: ?[string]string, limits: ?[string]Listen, peers: ?[]Peer, extra: ?object,\n"
	"  matrix: ?[][]int, node: ?Node,\n"
	"  # troupe: binary\n"
	"  key: ?string,\n"
	"  # troupe: address\n"
	"  friend: ?string\n"
	")\n"
	"type Required (name: string, tags: []string, env: [string]int, listen: Listen,\n"
	"  inner: (a: ?int))\n"
	"method M() -> ()\n";

/* The same as Config, for what decodes it in the end. */
static const char layout_text[] = "(greeting:?string,verbose:?bool,limit:?int,share:?float,"
				  "level:?{debug,info,warning},words:?[]string,"
				  "numbers:?[]int,listen:?(port:int,address:?string),env:?["
				  "string]string,limits:?[string](port:int,address:"
				  "?string),peers:?[](host:string,port:?int),extra:?object,"
				  "matrix:?[][]int,node:?(name:?string,next:?^0),"
				  "key:?binary,friend:?address)";

struct fixture {
	struct idl *idl;
	struct layout *layout;
	struct conf conf;
	struct problems problems;
	char text[512];
};

static int group_setup(void **state)
{
	static struct fixture fixture;
	struct idl_error error;

	*state = &fixture;
	if (idl_parse(idl_text, strlen(idl_text), &fixture.idl, &error) < 0)
		return -1;
	return layout_parse(layout_text, strlen(layout_text), &fixture.layout);
}

static int group_teardown(void **state)
{
	struct fixture *f = *state;

	idl_free(f->idl);
	layout_free(f->layout);
	return 0;
}

/* The JSON that assignments make, or the problems, a line each. */
static const char *convert(struct fixture *f, const char *type, const char *assignments)
{
	struct unit_config config[64];
	char file[] = "u.actor";
	struct unit_file unit = {.name = (char[]){"u"}, .file = file, .config = config};
	cleanup_free char *text = NULL, *json = NULL;
	int r;

	f->text[0] = '\0';
	assert_true(asprintf(&text, "[Config]\n%s\n", assignments) > 0);
	conf_init(&f->conf);
	problems_init(&f->problems);
	assert_int_equal(conf_parse(&f->conf, "u.actor", text, strlen(text), NULL), 0);
	for (size_t i = 0; i < f->conf.n && i < ARRAY_LEN(config); i++)
		config[unit.n_config++] =
			(struct unit_config){.key = f->conf.entries[i].key,
					     .value = f->conf.entries[i].value,
					     .file = file,
					     .line = f->conf.entries[i].line};
	r = config_json(&unit, type ? idl_find(f->idl, type)->type : NULL, &json, &f->problems);
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

		assert_string_equal(convert(f, "Config", cases[i][0]), cases[i][1]);
		/* And the worker's decoder takes it. */
		assert_int_equal(json_decode(layout_type(f->layout), f->text, strlen(f->text),
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
				 "can stand behind it "
				 "after a dot"},
		{"Peers.Host=a",
		 "u.actor:2: Peers.Host=: peers is a list, nothing can stand behind it after a "
		 "dot"},
		{"Extra.x=a", "u.actor:2: Extra.x=: extra is an object, nothing can stand "
			      "behind it after a dot"},
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
		{"Share=1e999", "u.actor:2: Share=1e999: must be a number, like 0.5"},
		{"Share=0x1p3", "u.actor:2: Share=0x1p3: must be a number, like 0.5"},
		{"Level=warnin",
		 "u.actor:2: Level=warnin: there is no such choice; did you mean warning?"},
		{"Level=loud", "u.actor:2: Level=loud: must be one of debug, info, warning"},
		{"Numbers=1 two",
		 "u.actor:2: Numbers=1 two: must be a whole number, like 80 or 64K"},
		{"Words='x",
		 "u.actor:2: Words='x: a ' is not closed; write \\' for an apostrophe"},
		{"Listen=80",
		 "u.actor:2: Listen=80: must be JSON text: '[' or '{' expected near '80'"},
		{"Listen={\"port\":\"x\"}",
		 "u.actor:2: Listen={\"port\":\"x\"}: port must be a whole number"},
		{"Listen={}", "u.actor:2: Listen={}: port is missing"},
		{"Listen={\"port\":1,\"x\":1}",
		 "u.actor:2: Listen={\"port\":1,\"x\":1}: x is not a field of this "
		 "type"},
		{"Listen=[]", "u.actor:2: Listen=[]: must be an object"},
		{"Peers=[{\"host\":\"a\"},{\"host\":1}]",
		 "u.actor:2: Peers=[{\"host\":\"a\"},{\"host\":1}]: "
		 "[1].host must be a string"},
		{"Matrix={}", "u.actor:2: Matrix={}: must be an array"},
		{"Extra=[1]", "u.actor:2: Extra=[1]: must be an object, not nested too deeply"},
		{"Extra={\"a\":1,\"a\":2}",
		 "u.actor:2: Extra={\"a\":1,\"a\":2}: must be JSON text: duplicate "
		 "object key near '\"a\"'"},
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
		{"Node.Next.Next.Next.Next.Next.Next.Next.Next.Next.Next.Next.Next.Next.Next."
		 "Next.Name=x",
		 "u.actor:2: "
		 "Node.Next.Next.Next.Next.Next.Next.Next.Next.Next.Next.Next.Next.Next.Next."
		 "Next.=: "
		 "nested too deeply"},
		{"Node.Next.Next.Next.Next.Next.Next.Next={\"next\":{\"next\":{\"next\":{"
		 "\"next\":{\"next\":"
		 "{\"next\":{\"next\":{\"next\":{\"next\":{}}}}}}}}}}",
		 "u.actor: [Config] "
		 "node.next.next.next.next.next.next.next.next.next.next.next.next.next.next."
		 "next "
		 "is nested too deeply"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(convert(f, "Config", cases[i][0]), cases[i][1]);
}

static void required_fields_must_be_set(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(convert(f, "Required", ""),
			    "u.actor: [Config] lacks name=, which the plug-in requires\n"
			    "u.actor: [Config] lacks tags=, which the plug-in requires\n"
			    "u.actor: [Config] lacks env=, which the plug-in requires\n"
			    "u.actor: [Config] lacks listen.port=, which the plug-in requires");
	/* Empty lists and maps are given by an empty value; a struct of optional fields comes
	 * by itself. */
	assert_string_equal(
		convert(f, "Required", "Name=n\nTags=\nEnv=\nListen.Port=1"),
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
		cmocka_unit_test(required_fields_must_be_set),
		cmocka_unit_test(section_is_refused_when_the_plugin_takes_none),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
