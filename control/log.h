/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the operator is told: one line per event, to the journal (with fields)
 * when stderr is the journal, else to stderr. A line says what, of what, why,
 * since when.
 *
 * Every kind of event has a stable MESSAGE_ID and a level. The same news of the
 * same subject, again and again, is counted instead of written. Never used on
 * the packet path. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/*
 * Kinds of events: name, level, limited (repeats are counted), MESSAGE_ID.
 * An ID never changes and is never used again for something else.
 */
#define LOG_EVENTS(X)                                                                              \
	X(DAEMON_STARTED, INFO, false, "3ceaaf308142c8ea91d93080f9b439fc")                         \
	X(DAEMON_LEAVING, INFO, false, "9dfb369bab13dfae627655daa05f1119")                         \
	X(DAEMON_FAILED, ERROR, false, "6301bbfca0c5154e0ff9bb510944fe0c")                         \
	X(CONFIG_LOADED, INFO, false, "6fced11d2bd8a1e6047a8387cdde8d51")                          \
	X(CONFIG_REFUSED, ERROR, false, "3a124c647e02ff05b7c1dce27f7695f5")                        \
	X(CONFIG_DOUBTFUL, WARNING, false, "66080f174c96d8e25cbd0ba3a1a6bcde")                     \
	X(WAIT_BEGUN, WARNING, true, "b120a366f0bbe9cf42f2dc05873f9bd0")                           \
	X(WAIT_ENDED, INFO, true, "78b7d0ac84773ce0ce4cda11b43c589b")                              \
	X(ENGINE_READY, INFO, false, "32833106536e95df40b2d002cc92d33d")                           \
	X(ENGINE_ATTACHED, INFO, false, "2330fcf1562ae4b848668d77e827062c")                        \
	X(ENGINE_GENERIC, WARNING, false, "c1acc9906424550ae36bf9b3ddcb369d")                      \
	X(ENGINE_LOST, ERROR, false, "9ad9b9a25e78454df065a1c284cc4549")                           \
	X(ENGINE_DETACHED, INFO, false, "993565976fbaf662f6a730b7b12e9eed")                        \
	X(INTERFACE_DOUBTFUL, WARNING, true, "9749c2c0d4bd4d1eaec3f55dd1c80bf3")                   \
	X(ENGINE_FAILED, ERROR, true, "8df08078a22ea180c5c2c2af3977a654")                          \
	X(ZONE_PUBLISHED, INFO, true, "f3194a3b381e53e7952c466e473a1797")                          \
	X(ZONE_FAILED, WARNING, true, "c498b6e73648245edafa3a387f006745")                          \
	X(ZONE_BYPASSED, WARNING, true, "ab57f9854332c3da675a2e199b58ba8d")                        \
	X(ZONE_RESTORED, INFO, true, "c1b87f1a7323691b19f9cbef0f69a4d0")                           \
	X(CHECK_DOWN, WARNING, false, "2eb737282fea875e75365e1458294a90")                          \
	X(CHECK_UP, INFO, false, "ac3e0b5bc29177094c1e26038dabf68e")                               \
	X(PREFIX_ANNOUNCED, INFO, false, "2f314fdb43c48bc764ccdcf9ea5ee53c")                       \
	X(PREFIX_WITHDRAWN, WARNING, false, "bafe9bd120c5d1529127c47089bf36a2")                    \
	X(PREFIX_DRAINING, WARNING, false, "fe0143729313badffba3fec76ca387b5")                     \
	X(PREFIX_REPAIRED, WARNING, true, "9280ba2e153453fd735771b237d047c9")                      \
	X(PREFIX_STUCK, ERROR, true, "6800e67e527f5da656ec4c60da8f3fe2")                           \
	X(OVERRIDE_SET, WARNING, false, "98daa4bf75592f89b3fb95ee22432045")                        \
	X(OVERRIDE_ENDED, INFO, false, "b6d9f6f45cdc78b9da6400c790010259")                         \
	X(BIRD_LOST, ERROR, true, "6a015b665e4a329cdbe7df00cba497dd")                              \
	X(BIRD_FOUND, INFO, true, "365bf63a6659b55404103017ead492d2")                              \
	X(HEALTH_ERROR, ERROR, false, "9974d75b333824fe61790134676b1b69")                          \
	X(HEALTH_WARNING, WARNING, false, "221c4e003f9931ee3af27f802dc5fd3d")                      \
	X(HEALTH_INFO, INFO, false, "baa1c6f1404b6eaf162a01dec28753f8")                            \
	X(CONTROL_REFUSED, WARNING, true, "23961c522970e819ae6f8f356f02bfb4")                      \
	X(TROUBLE, WARNING, true, "48018f5e186391da6bca5daa475d779c")                              \
	X(DETAIL, DEBUG, true, "614d292e1f1eabfaa3003324c470d28b")

enum log_event {
#define LOG_EVENT_ENUM(name, level, limited, id) LOG_##name,
	LOG_EVENTS(LOG_EVENT_ENUM)
#undef LOG_EVENT_ENUM
		LOG_EVENT_COUNT
};

/* A journal field: name in capitals ("ANODE_PREFIX"), value text. */
struct log_field {
	const char *name;
	const char *value;
};

/* Where lines go; finds out about the journal. Before it, lines go to stderr
 * and nothing is limited. Call again to change the level. */
void log_open(enum log_level level);

/*
 * One line. `subject`: what the event is about (a zone, a prefix), NULL: the
 * daemon; together with the event it is the key of the limit. `fields` ends
 * with an entry whose name is NULL; NULL: none.
 */
void log_write(enum log_event event, const char *subject, const struct log_field *fields,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Writes what was counted and is due; call about once a second. */
void log_flush(void);
