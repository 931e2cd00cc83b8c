/* shout.cc - a plug-in in C++: its state has a constructor and a destructor, and exceptions
 * stay inside. */
#include <cctype>
#include <cerrno>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
#include <troupe/actor.h>
#include <vector>

#include "shout.varlink.h"

namespace
{

struct State {
	std::string mark;
	std::map<std::string, int64_t> said;

	std::string louder(const std::string &text) const
	{
		if (text.empty())
			throw std::invalid_argument("silence");
		std::string loud;
		for (char c : text)
			loud += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
		return loud + mark;
	}
};

int begin(troupe_self *, State *me, const shout_config *config)
{
	new (me) State;
	me->mark = config && config->mark ? config->mark : "!";
	return 0;
}

void end(troupe_self *, State *me, troupe_cause)
{
	me->~State();
}

int on_shout(troupe_self *self, State *me, shout_shout_call call, const shout_shout *in)
try {
	std::string loud = me->louder(in->text);
	std::vector<shout_said> said;

	me->said[in->text]++;
	for (const auto &each : me->said)
		said.push_back({each.first.c_str(), each.second});

	shout_shout_out out = {};
	out.text = loud.c_str();
	out.said.items = said.data();
	out.said.count = said.size();
	return shout_shout_return(self, call, &out);
} catch (const std::invalid_argument &) {
	shout_silence nothing = {};
	return shout_shout_fail_silence(self, call, &nothing);
} catch (const std::bad_alloc &) {
	return -ENOMEM;
}

SHOUT_HANDLERS(shouting, State, .shout = on_shout)
TROUPE_LIFE(life, State, shout_config, .init = begin, .fini = end)

} // namespace

TROUPE_ACTOR(shout) = {
	TROUPE_ABI(shout),
	.description = "Says it louder.",
	.state_size = sizeof(State),
	.config = &shout_config_type,
	.life = &life,
	.interfaces = {&shouting},
};
