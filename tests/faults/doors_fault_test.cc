// The disk fails below both doors: what SMTP and HTTP answer meanwhile, and that mail goes on by itself where it may. Every write
// and every sync of a submission fails once: nobody is told "accepted" of what is not there, and a key that is sent again makes
// one message.
#include "tests/faults/disk_faults.h"
#include "tests/unit/api/doors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <optional>

namespace postern::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using store::StoredMessage;
namespace disk = test::disk;

constexpr std::string_view kFrom = "a@example.org";
constexpr std::string_view kTo = "b@example.net";
constexpr const char* kEmail = R"({"from": "a@example.org", "to": "b@example.net", "subject": "x", "text": "first"})";

std::string submit(Doors& doors) { return doors.smtp_message(kFrom, kTo, "Subject: x\r\n\r\nx"); }
std::string text_of_size(std::size_t octets) {
  std::string text;
  while (text.size() < octets) text += std::string(70, 'x') + "\r\n";
  return text;
}
std::size_t stored(Doors& doors) { return doors.store.spool().usage().value().messages; }
std::vector<std::string> examine(Doors& doors) { return doors.store.spool().examine().value(); }

class DoorsFault : public testing::Test {
 protected:
  DoorsFault() { disk::reset(); }
  ~DoorsFault() override { disk::reset(); }
};

// --- A full disk: refused while it lasts, and over by itself -----------------------------------------------------------

struct Fullness {
  const char* name;
  disk::Call call;
  int error;  // EROFS: the whole file system is read-only
};

class FullDiskAtTheDoors : public DoorsFault, public testing::WithParamInterface<Fullness> {};

TEST_P(FullDiskAtTheDoors, IsRefusedAtBothAndOverWithoutARestart) {
  Doors doors;
  ASSERT_THAT(submit(doors), HasSubstr("250 2.0.0 Ok: queued as"));
  disk::fail(GetParam().call, 1, GetParam().error, true);
  disk::set_read_only(GetParam().error == EROFS);
  for (int i = 0; i < 3; ++i) {
    const std::string replies = submit(doors);
    EXPECT_THAT(replies, HasSubstr("452 4.3.1 storage_full"));
    EXPECT_THAT(replies, Not(HasSubstr("queued as")));
    const ApiResponse refused = doors.send(kEmail, {{"idempotency-key", "k"}});
    EXPECT_EQ(refused.status, 507) << refused.body;
    EXPECT_EQ(text_of(body_of(refused), "name"), "storage_full");
  }
  const StoredMessage kept = doors.store.spool().list(std::nullopt, 1).value().at(0);
  EXPECT_THAT(test::read_content(doors.store.spool(), kept.message), HasSubstr("\r\n\r\nx")) << "can be read and delivered";
  disk::reset();
  EXPECT_TRUE(doors.store.spool().remove_expired(Instant{}, 1)) << "as maintenance does, which looks for room";
  EXPECT_THAT(submit(doors), HasSubstr("250 2.0.0 Ok: queued as"));
  EXPECT_EQ(doors.send(kEmail, {{"idempotency-key", "k"}}).status, 200);
  EXPECT_EQ(doors.readiness().status, 200);
  EXPECT_EQ(stored(doors), 3U);
  EXPECT_EQ(examine(doors), std::vector<std::string>());
}

INSTANTIATE_TEST_SUITE_P(Kinds, FullDiskAtTheDoors,
                         testing::Values(Fullness{"NoSpace", disk::Call::Write, ENOSPC},
                                         Fullness{"QuotaReached", disk::Call::Write, EDQUOT},
                                         Fullness{"FileTooBig", disk::Call::Write, EFBIG},
                                         Fullness{"MetaPage", disk::Call::MetaWrite, ENOSPC},
                                         Fullness{"ReadOnly", disk::Call::Write, EROFS}),
                         [](const testing::TestParamInfo<Fullness>& kind) { return std::string(kind.param.name); });

// --- A failure that leaves the disk in doubt: closed until restart -----------------------------------------------------

struct Doubt {
  const char* name;
  disk::Call call;
  int error;
};

class DoubtfulDisk : public DoorsFault, public testing::WithParamInterface<Doubt> {};

TEST_P(DoubtfulDisk, IsNeverFollowedByAnAcceptance) {
  Doors doors;
  ASSERT_THAT(submit(doors), HasSubstr("250 2.0.0 Ok: queued as"));
  EXPECT_EQ(doors.readiness().status, 200);
  disk::fail(GetParam().call, 1, GetParam().error, false);
  EXPECT_THAT(submit(doors), HasSubstr("451 4.3.0 storage_unavailable"));
  ASSERT_TRUE(disk::was_met());
  disk::reset();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(submit(doors), Not(HasSubstr("queued as"))) << "the disk is well again, and that proves nothing";
    const ApiResponse refused = doors.send(kEmail, {{"idempotency-key", "k"}});
    EXPECT_EQ(refused.status, 503) << refused.body;
  }
  EXPECT_EQ(doors.readiness().status, 503);
  EXPECT_EQ(text_of(body_of(doors.readiness()), "message"), "the spool takes no mail");
}

INSTANTIATE_TEST_SUITE_P(Kinds, DoubtfulDisk,
                         testing::Values(Doubt{"WriteIoError", disk::Call::Write, EIO},
                                         Doubt{"ReadOnlyWhereTheFileSystemIsNot", disk::Call::Write, EROFS},
                                         Doubt{"SyncIoError", disk::Call::Sync, EIO},
                                         Doubt{"MetaPage", disk::Call::MetaWrite, EIO}),
                         [](const testing::TestParamInfo<Doubt>& kind) { return std::string(kind.param.name); });

// --- Every step fails once ---------------------------------------------------------------------------------------------

struct Step {
  const char* name;
  disk::Call call;
  int error;  // 0: the write is cut short
};

class EveryStep : public DoorsFault, public testing::WithParamInterface<Step> {
 protected:
  // Runs `visit` over new doors with the n-th call failing, until one is not met.
  template <class Visit>
  std::size_t sweep(Visit visit) {
    for (std::size_t nth = 1;; ++nth) {
      SCOPED_TRACE("call " + std::to_string(nth));
      Doors doors;
      disk::reset();
      disk::fail(GetParam().call, nth, GetParam().error, false);
      visit(doors);
      if (!disk::was_met() || HasFailure()) {
        RecordProperty("calls_failed", static_cast<int>(nth - 1));
        return nth - 1;
      }
    }
  }
};

TEST_P(EveryStep, OfAnSmtpMessageFailsAndNothingIsSaidWrongly) {
  const std::size_t met = sweep([&](Doors& doors) {
    std::size_t accepted = 0;
    for (int i = 0; i < 3; ++i) {
      const std::string replies = doors.smtp_message(kFrom, kTo, "Subject: x\r\n\r\n" + text_of_size(i == 1 ? 300'000 : 10));
      const bool is_accepted = replies.find("queued as") != std::string::npos;
      accepted += is_accepted ? 1U : 0U;
      EXPECT_TRUE(is_accepted || replies.find("452 4.3.1") != std::string::npos || replies.find("451 4.3.0") != std::string::npos)
          << replies;
    }
    if (doors.readiness().status != 200) return;  // LMDB may not read on after its meta page failed
    EXPECT_EQ(stored(doors), accepted);
    EXPECT_EQ(examine(doors), std::vector<std::string>());
  });
  EXPECT_GE(met, 3U);
}

TEST_P(EveryStep, OfAnHttpRequestFailsAndItsKeyStaysOneMessage) {
  const std::size_t met = sweep([](Doors& doors) {
    const ApiResponse first = doors.send(kEmail, {{"idempotency-key", "k"}});
    const bool is_known = first.status == 200 || first.status == 507 || first.status == 503;
    EXPECT_TRUE(is_known) << first.status << first.body;
    if (doors.readiness().status != 200) {
      EXPECT_NE(first.status, 200);
      return;
    }
    const ApiResponse again = doors.send(kEmail, {{"idempotency-key", "k"}});
    ASSERT_EQ(again.status, 200) << again.body;
    EXPECT_TRUE(first.status != 200 || first.body == again.body);
    EXPECT_EQ(again.headers.empty(), first.status != 200) << "a replay of what was accepted, and of nothing else";
    EXPECT_EQ(stored(doors), 1U);
    EXPECT_EQ(examine(doors), std::vector<std::string>());
  });
  EXPECT_GE(met, 1U);
}

TEST_P(EveryStep, OfABatchFailsAndTheSameBatchCompletesIt) {
  const std::string batch = std::string("[") + kEmail + "," + kEmail + "," + kEmail + "]";
  const std::size_t met = sweep([&](Doors& doors) {
    const ApiResponse first = doors.post("/v1/emails/batch", batch, {{"idempotency-key", "k"}});
    if (doors.readiness().status != 200) {
      EXPECT_NE(first.status, 200);
      return;
    }
    const ApiResponse again = doors.post("/v1/emails/batch", batch, {{"idempotency-key", "k"}});
    EXPECT_EQ(again.status, 200) << again.body;
    EXPECT_EQ(stored(doors), 3U);
    EXPECT_EQ(examine(doors), std::vector<std::string>());
  });
  EXPECT_GE(met, 3U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryStep,
                         testing::Values(Step{"WriteNoSpace", disk::Call::Write, ENOSPC},
                                         Step{"WriteCutShort", disk::Call::Write, 0},
                                         Step{"WriteIoError", disk::Call::Write, EIO},
                                         Step{"WriteReadOnly", disk::Call::Write, EROFS},
                                         Step{"SyncIoError", disk::Call::Sync, EIO},
                                         Step{"SyncNoSpace", disk::Call::Sync, ENOSPC},
                                         Step{"MetaNoSpace", disk::Call::MetaWrite, ENOSPC},
                                         Step{"MetaIoError", disk::Call::MetaWrite, EIO}),
                         [](const testing::TestParamInfo<Step>& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace postern::api
