#include "domains/return_path.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace postern::domains {
namespace {

using std::chrono::days;
using std::chrono::hours;

class CountingRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> octets) override {
    for (std::uint8_t& octet : octets) octet = next_++;
  }

 private:
  std::uint8_t next_ = 0;
};

struct ReturnPathTest : ::testing::Test {
  const Instant now = Instant(hours(500'000));
  CountingRandom random;
  const MessageId id = make_message_id(now, random);
  const ReturnPaths paths{{1, 2, 3}, "bounce.example.org", days(7)};
  using Refusal = ReturnPaths::Refusal;
};

TEST_F(ReturnPathTest, NamesItsMessageAsLongAsItLives) {
  const Mailbox path = paths.path_of(id);
  EXPECT_EQ(path.domain, "bounce.example.org");
  EXPECT_LE(path.local_part.size(), 64u);
  EXPECT_EQ(std::get<MessageId>(paths.read(path, now)), id);
  EXPECT_EQ(std::get<MessageId>(paths.read(path, now + days(7))), id);
  EXPECT_EQ(std::get<Refusal>(paths.read(path, now + days(7) + hours(1))), Refusal::Expired);
}

TEST_F(ReturnPathTest, IsReadInAnyLetterCase) {
  Mailbox path = paths.path_of(id);
  path.domain = "Bounce.EXAMPLE.org";
  for (char& c : path.local_part) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  EXPECT_EQ(std::get<MessageId>(paths.read(path, now)), id);
}

TEST_F(ReturnPathTest, IsForgedWhereAnyOctetIsAnother) {
  const Mailbox path = paths.path_of(id);
  for (std::size_t i = 0; i < path.local_part.size(); ++i) {
    Mailbox forged = path;
    forged.local_part[i] = forged.local_part[i] == '0' ? '1' : '0';
    EXPECT_EQ(std::get<Refusal>(paths.read(forged, now)), Refusal::Forged) << i;
  }
  for (const char* local : {"b+", "b", "postmaster", "b+.", "b+00000000000000000000000000."}) {
    EXPECT_EQ(std::get<Refusal>(paths.read({local, "bounce.example.org"}, now)), Refusal::Forged) << local;
  }
  Mailbox longer = path;
  longer.local_part += "0";
  EXPECT_EQ(std::get<Refusal>(paths.read(longer, now)), Refusal::Forged);
}

TEST_F(ReturnPathTest, OfAnotherInstallationIsForged) {
  const ReturnPaths others{{9}, "bounce.example.org", days(7)};
  EXPECT_EQ(std::get<Refusal>(others.read(paths.path_of(id), now)), Refusal::Forged);
}

TEST_F(ReturnPathTest, OfAnotherDomainIsNobodysHere) {
  Mailbox path = paths.path_of(id);
  path.domain = "example.org";
  EXPECT_EQ(std::get<Refusal>(paths.read(path, now)), Refusal::Elsewhere);
  const ReturnPaths none{{1, 2, 3}, "", days(7)};
  EXPECT_FALSE(none.is_used());
  path.domain.clear();
  EXPECT_EQ(std::get<Refusal>(none.read(path, now)), Refusal::Elsewhere);
}

}  // namespace
}  // namespace postern::domains
