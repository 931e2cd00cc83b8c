/* The timer wheel against a model that just looks at every node. */
#include "base/random.h"
#include "core/wheel.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NODES 300

struct model {
	struct wheel_node node;
	bool in; /* in the wheel, as far as the model knows */
};

static uint64_t step_after(uint64_t at_ns)
{
	return (at_ns + WHEEL_STEP_NS - 1) / WHEEL_STEP_NS;
}

/* Mostly near, now and then very far: all levels of the wheel get their share. */
static uint64_t some_delay(struct random *random)
{
	return random_next(random) >> (20 + random_below(random, 40));
}

static void advance_both(struct wheel *wheel, struct model *nodes, uint64_t now)
{
	uint64_t last = 0;
	struct wheel_node *node;

	wheel_advance(wheel, now);
	while ((node = wheel_take(wheel))) {
		struct model *model = container_of(node, struct model, node);

		assert_true(model->in);
		assert_true(node->at_ns <= now);
		assert_true(step_after(node->at_ns) >= last);
		last = step_after(node->at_ns);
		assert_false(wheel_has(node));
		model->in = false;
	}
	for (int i = 0; i < NODES; i++)
		if (nodes[i].in)
			assert_true(step_after(nodes[i].node.at_ns) > now / WHEEL_STEP_NS);
}

static void wheel_agrees_with_a_model_for_many_seeds(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct model nodes[NODES] = {0};
		struct random random;
		struct wheel wheel;
		uint64_t now;

		random_init(&random, seed);
		now = random_next(&random) >> random_below(&random, 50);
		if (now > UINT64_MAX / 2)
			now /= 2;
		wheel_init(&wheel, now);
		for (int i = 0; i < 1000; i++) {
			struct model *model = &nodes[random_below(&random, NODES)];
			uint64_t earliest = UINT64_MAX, count = 0;

			if (model->in) {
				wheel_remove(&wheel, &model->node);
				model->in = false;
			} else {
				wheel_add(&wheel, &model->node, now + some_delay(&random));
				model->in = true;
			}
			for (int k = 0; k < NODES; k++) {
				count += nodes[k].in;
				if (nodes[k].in && nodes[k].node.at_ns < earliest)
					earliest = nodes[k].node.at_ns;
			}
			assert_int_equal(wheel.count, count);
			assert_int_equal(wheel_next_ns(&wheel) == UINT64_MAX, count == 0);
			if (count)
				assert_true(wheel_next_ns(&wheel) / WHEEL_STEP_NS <=
					    step_after(earliest));
			if (random_below(&random, 3) == 0) {
				now += some_delay(&random);
				advance_both(&wheel, nodes, now);
			}
		}
		advance_both(&wheel, nodes, UINT64_MAX);
		for (int i = 0; i < NODES; i++)
			assert_true(!nodes[i].in ||
				    nodes[i].node.at_ns > UINT64_MAX - WHEEL_STEP_NS);
	}
}

static void wheel_wakes_in_few_steps_when_followed(void **state)
{
	struct wheel_node node = {0};
	struct wheel wheel;
	uint64_t day = 24ull * 3600 * 1000000000;
	int steps = 0;

	(void)state;
	wheel_init(&wheel, 5);
	wheel_add(&wheel, &node, 7 * day);
	while (!wheel_take(&wheel)) {
		wheel_advance(&wheel, wheel_next_ns(&wheel));
		steps++;
	}
	assert_true(steps <= WHEEL_LEVELS);
	assert_int_equal(wheel_next_ns(&wheel), UINT64_MAX);
}

static void wheel_never_wakes_for_the_end_of_time(void **state)
{
	static const uint64_t ends[] = {UINT64_MAX, UINT64_MAX - 1,
					UINT64_MAX - WHEEL_STEP_NS + 2};
	struct wheel_node nodes[4] = {0};
	struct wheel wheel;

	(void)state;
	wheel_init(&wheel, 5);
	for (int i = 0; i < 3; i++)
		wheel_add(&wheel, &nodes[i], ends[i]);
	assert_int_equal(wheel_next_ns(&wheel), UINT64_MAX);
	wheel_add(&wheel, &nodes[3], UINT64_MAX - WHEEL_STEP_NS + 1);
	while (!wheel_take(&wheel)) {
		assert_true(wheel_next_ns(&wheel) > 5);
		wheel_advance(&wheel, wheel_next_ns(&wheel));
	}
	assert_false(wheel_has(&nodes[3]));
	assert_int_equal(wheel.count, 3);
	assert_int_equal(wheel_next_ns(&wheel), UINT64_MAX);
}

static void wheel_remove_ignores_a_node_in_no_wheel(void **state)
{
	struct wheel_node node = {0};
	struct wheel wheel;

	(void)state;
	wheel_init(&wheel, 0);
	wheel_remove(&wheel, &node);
	assert_int_equal(wheel.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wheel_agrees_with_a_model_for_many_seeds),
		cmocka_unit_test(wheel_wakes_in_few_steps_when_followed),
		cmocka_unit_test(wheel_never_wakes_for_the_end_of_time),
		cmocka_unit_test(wheel_remove_ignores_a_node_in_no_wheel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
