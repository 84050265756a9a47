/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which zones the policy hears of as failing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "control/zones.h"

static void zone_without_room_does_not_fail(void **state)
{
	struct zones_view view = {.trouble = true, .image.error = -ENOSPC};

	assert_false(zones_view_failed(&view));
	/* as the mirror says it after the publisher's report */
	view.mirror.fault.kind = ZONE_FAULT_TOO_LARGE;
	assert_false(zones_view_failed(&view));
	/* larger than a transfer may be, so that the publisher never saw it */
	view.image.error = 0;
	assert_false(zones_view_failed(&view));
}

static void zone_in_other_trouble_fails_with_room_or_without(void **state)
{
	struct zones_view view = {.trouble = true, .image.error = -ENOSPC};

	view.mirror.fault.kind = ZONE_FAULT_REFUSED;
	assert_true(zones_view_failed(&view));
	view.image.error = 0;
	assert_true(zones_view_failed(&view));
	view.mirror.fault.kind = ZONE_FAULT_NONE;
	assert_true(zones_view_failed(&view)); /* its deadline has passed */
	view.image.error = -EIO;
	assert_true(zones_view_failed(&view));
	view = (struct zones_view){.fast = true};
	assert_false(zones_view_failed(&view));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zone_without_room_does_not_fail),
		cmocka_unit_test(zone_in_other_trouble_fails_with_room_or_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
