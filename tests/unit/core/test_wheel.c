/* The timer wheel against a model that just looks at every node. */
#include "base/random.h"
#include "core/wheel.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NODES 300

struct model {
	struct wheel_node node;
	uint64_t added; /* how many were put in before */
	bool in;        /* in the wheel, as far as the model knows */
};

/* Two kinds of records with nodes, of different sizes. */
struct models {
	struct model few[NODES / 3];
	struct {
		uint64_t before;
		struct model model;
	} many[NODES - NODES / 3];
};

static uint32_t name_of(uint32_t i)
{
	return i < NODES / 3 ? wheel_name(1, i) : wheel_name(3, i - NODES / 3);
}

static struct model *model_of(struct models *models, uint32_t name)
{
	uint32_t i = wheel_index_of(name);

	return wheel_kind_of(name) == 1 ? &models->few[i] : &models->many[i].model;
}

static struct model *model_at(struct models *models, uint32_t i)
{
	return model_of(models, name_of(i));
}

static void init_both(struct wheel *wheel, struct models *models, uint64_t now)
{
	memset(models, 0, sizeof(*models));
	wheel_init(wheel, now);
	wheel_set_kind(wheel, 1, &models->few[0].node, sizeof(models->few[0]));
	wheel_set_kind(wheel, 3, &models->many[0].model.node, sizeof(models->many[0]));
}

static uint64_t step_after(uint64_t at_ns)
{
	return (at_ns + WHEEL_STEP_NS - 1) / WHEEL_STEP_NS;
}

/* Mostly near, now and then very far: all levels of the wheel get their share. */
static uint64_t some_delay(struct random *random)
{
	return random_next(random) >> (20 + random_below(random, 40));
}

static void advance_both(struct wheel *wheel, struct models *models, uint64_t now)
{
	uint64_t last = 0, added = 0;
	uint32_t name;

	wheel_advance(wheel, now);
	while ((name = wheel_take(wheel))) {
		struct model *model = model_of(models, name);
		uint64_t step = step_after(model->node.at_ns);

		assert_true(model->in);
		assert_true(model->node.at_ns <= now);
		assert_true(step >= last);
		if (step == last)
			assert_true(model->added > added);
		last = step;
		added = model->added;
		assert_false(wheel_has(&model->node));
		model->in = false;
	}
	assert_int_equal(wheel_take(wheel), 0);
	for (uint32_t i = 0; i < NODES; i++)
		if (model_at(models, i)->in)
			assert_true(step_after(model_at(models, i)->node.at_ns) >
				    now / WHEEL_STEP_NS);
}

static void wheel_agrees_with_a_model_for_many_seeds(void **state)
{
	static struct models models;
	static struct wheel wheel;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct random random;
		uint64_t now;

		random_init(&random, seed);
		now = random_next(&random) >> random_below(&random, 50);
		if (now > UINT64_MAX / 2)
			now /= 2;
		init_both(&wheel, &models, now);
		for (uint64_t i = 1; i <= 1000; i++) {
			uint32_t at = (uint32_t)random_below(&random, NODES);
			struct model *model = model_at(&models, at);
			uint64_t earliest = UINT64_MAX, count = 0;

			if (model->in) {
				wheel_remove(&wheel, &model->node);
				model->in = false;
			} else {
				wheel_add(&wheel, name_of(at), now + some_delay(&random));
				model->in = true;
				model->added = i;
			}
			for (uint32_t k = 0; k < NODES; k++) {
				model = model_at(&models, k);
				count += model->in;
				if (model->in && model->node.at_ns < earliest)
					earliest = model->node.at_ns;
			}
			assert_int_equal(wheel.count, count);
			assert_int_equal(wheel_next_ns(&wheel) == UINT64_MAX, count == 0);
			if (count)
				assert_true(wheel_next_ns(&wheel) / WHEEL_STEP_NS <=
					    step_after(earliest));
			if (random_below(&random, 3) == 0) {
				now += some_delay(&random);
				advance_both(&wheel, &models, now);
			}
		}
		advance_both(&wheel, &models, UINT64_MAX);
		for (uint32_t i = 0; i < NODES; i++)
			assert_true(!model_at(&models, i)->in ||
				    model_at(&models, i)->node.at_ns >
					    UINT64_MAX - WHEEL_STEP_NS);
	}
}

/* Put in at different times, so that they come from different levels. */
static void wheel_keeps_the_order_of_those_due_in_one_step(void **state)
{
	const uint64_t due = 100 * 1000000000ull / WHEEL_STEP_NS * WHEEL_STEP_NS;
	struct wheel_node nodes[18] = {0};
	static struct wheel wheel;

	(void)state;
	wheel_init(&wheel, 0);
	wheel_set_kind(&wheel, 2, nodes, sizeof(nodes[0]));
	for (uint32_t i = 0; i < 18; i++) {
		wheel_advance(&wheel, due - (due >> i));
		assert_int_equal(wheel_take(&wheel), 0);
		wheel_add(&wheel, wheel_name(2, i), due - i % 3 * (WHEEL_STEP_NS / 3));
	}
	wheel_advance(&wheel, due - 1);
	assert_int_equal(wheel_take(&wheel), 0);
	wheel_advance(&wheel, due);
	for (uint32_t i = 0; i < 18; i++)
		assert_int_equal(wheel_take(&wheel), wheel_name(2, i));
	assert_int_equal(wheel_take(&wheel), 0);
}

static void wheel_wakes_in_few_steps_when_followed(void **state)
{
	struct wheel_node node = {0};
	static struct wheel wheel;
	uint64_t day = 24ull * 3600 * 1000000000;
	int steps = 0;

	(void)state;
	wheel_init(&wheel, 5);
	wheel_set_kind(&wheel, 1, &node, sizeof(node));
	wheel_add(&wheel, wheel_name(1, 0), 7 * day);
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
	static struct wheel wheel;

	(void)state;
	wheel_init(&wheel, 5);
	wheel_set_kind(&wheel, 1, nodes, sizeof(nodes[0]));
	for (uint32_t i = 0; i < 3; i++)
		wheel_add(&wheel, wheel_name(1, i), ends[i]);
	assert_int_equal(wheel_next_ns(&wheel), UINT64_MAX);
	wheel_add(&wheel, wheel_name(1, 3), UINT64_MAX - WHEEL_STEP_NS + 1);
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
	static struct wheel wheel;

	(void)state;
	wheel_init(&wheel, 0);
	wheel_remove(&wheel, &node);
	assert_int_equal(wheel.count, 0);
}

/* The wheel remembers where the last node went; at first there was none. */
static void wheel_takes_a_node_of_step_0_at_step_0(void **state)
{
	struct models models;
	struct wheel wheel;

	(void)state;
	init_both(&wheel, &models, 0);
	wheel_add(&wheel, name_of(0), 0);
	wheel_advance(&wheel, WHEEL_STEP_NS);
	assert_int_equal(wheel_take(&wheel), name_of(0));
	assert_int_equal(wheel_take(&wheel), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wheel_agrees_with_a_model_for_many_seeds),
		cmocka_unit_test(wheel_keeps_the_order_of_those_due_in_one_step),
		cmocka_unit_test(wheel_wakes_in_few_steps_when_followed),
		cmocka_unit_test(wheel_never_wakes_for_the_end_of_time),
		cmocka_unit_test(wheel_remove_ignores_a_node_in_no_wheel),
		cmocka_unit_test(wheel_takes_a_node_of_step_0_at_step_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
