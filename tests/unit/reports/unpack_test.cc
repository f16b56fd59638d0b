#include "reports/unpack.h"

#include <gtest/gtest.h>

namespace postern::reports {
namespace {

// One file, by the header in front of it: "name" with `method`, and what stands behind.
std::string zip(std::uint16_t method, std::string_view data, std::uint16_t flags = 0, std::uint32_t size = 0) {
  std::string octets = "PK\x03\x04";
  const auto put = [&octets](std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) octets += static_cast<char>(value >> (8 * i));
  };
  put(20, 2);
  put(flags, 2);
  put(method, 2);
  put(0, 8);  // time, checksum
  put(size, 4);
  put(0, 4);
  put(4, 2);
  put(0, 2);
  return octets + "name" + std::string(data);
}

// The deflate stream within a gzip frame (RFC 1952 §2.3).
std::string deflated(std::string_view text) {
  const std::string packed = pack_report(text);
  return packed.substr(10, packed.size() - 18);
}

TEST(Unpack, GivesBackWhatWasPacked) {
  const std::string text = "{\"policies\": []}" + std::string(100'000, ' ');
  EXPECT_EQ(unpack_report(pack_report(text)).value(), text);
  EXPECT_EQ(unpack_report(zip(8, deflated(text))).value(), text);
  EXPECT_EQ(unpack_report(zip(8, deflated(text), 8) + "PK\x01\x02").value(), text);
  EXPECT_EQ(unpack_report(zip(0, "<feedback/>PK\x01\x02", 0, 11)).value(), "<feedback/>");
  EXPECT_EQ(unpack_report("<feedback/>").value(), "<feedback/>");
}

TEST(Unpack, RefusesBombs) {
  const std::string bomb = pack_report(std::string(60 * 1'048'576, ' '));
  EXPECT_EQ(unpack_report(bomb).error().code(), ErrorCode::LimitExceeded);
  const std::string steep = pack_report(std::string(20 * 1'048'576, ' '));
  EXPECT_EQ(unpack_report(steep).error().code(), ErrorCode::LimitExceeded);  // below the limit, but of more than 1 : 100
  EXPECT_EQ(unpack_report(std::string(101, 'x'), 100).error().code(), ErrorCode::LimitExceeded);
  EXPECT_EQ(unpack_report(zip(0, std::string(101, 'x'), 0, 101), 100).error().code(), ErrorCode::LimitExceeded);
}

TEST(Unpack, RefusesWhatIsBroken) {
  const std::string packed = pack_report("<feedback/>");
  for (std::size_t size = 2; size < packed.size() - 8; ++size) {
    EXPECT_FALSE(unpack_report(std::string_view(packed).substr(0, size))) << size;
  }
  const std::string archive = zip(8, deflated("<feedback/>"));
  for (std::size_t size = 4; size < archive.size(); ++size) {
    EXPECT_FALSE(unpack_report(std::string_view(archive).substr(0, size))) << size;
  }
  EXPECT_FALSE(unpack_report(zip(8, deflated("x"), 1)));
  EXPECT_FALSE(unpack_report(zip(12, "x")));
  EXPECT_FALSE(unpack_report(zip(0, "x", 0, 2)));
}

}  // namespace
}  // namespace postern::reports
