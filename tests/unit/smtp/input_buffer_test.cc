// The input buffer: nothing is lost when it grows, shrinks or moves, and no copy of what it held stays behind.
#include "smtp/input_buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

namespace postern::smtp {
namespace {

void put(InputBuffer& buffer, std::string_view text, std::size_t capacity = 16) {
  const std::span<char> space = buffer.space(capacity);
  ASSERT_GE(space.size(), text.size());
  std::memcpy(space.data(), text.data(), text.size());
  buffer.commit(text.size());
}

TEST(InputBuffer, KeepsWhatWaits) {
  InputBuffer buffer;
  put(buffer, "abcdef");
  buffer.consume(2);
  put(buffer, "ghijklmnopqr");
  EXPECT_EQ(buffer.view(), "cdefghijklmnopqr");
  put(buffer, "stuv", 32);
  EXPECT_EQ(buffer.view(), "cdefghijklmnopqrstuv");
  buffer.consume(18);
  put(buffer, "w", 8);
  EXPECT_EQ(buffer.view(), "uvw");
}

TEST(InputBuffer, IsNeverSmallerThanWhatWaits) {
  InputBuffer buffer;
  put(buffer, "0123456789");
  EXPECT_TRUE(buffer.space(4).empty());
  EXPECT_EQ(buffer.view(), "0123456789");
}

TEST(InputBuffer, LeavesNoSecondCopyWhereItMoves) {
  InputBuffer buffer;
  put(buffer, "1234567secret");
  const char* block = buffer.view().data();
  buffer.consume(7);
  const std::span<char> space = buffer.space(16);
  EXPECT_EQ(buffer.view(), "secret");
  // The octets behind the moved ones, where the first copy lay.
  EXPECT_EQ(std::string(space.data() + 1, 6), std::string(6, '\0'));
  EXPECT_EQ(buffer.view().data(), block);
}

TEST(InputBuffer, WipesAPartAndAll) {
  InputBuffer buffer;
  put(buffer, "keysafe");
  const std::string_view view = buffer.view();
  buffer.consume(3);
  buffer.wipe(view.substr(0, 3));
  EXPECT_EQ(view, std::string_view("\0\0\0safe", 7));
  buffer.clear();
  EXPECT_EQ(view, std::string_view("\0\0\0\0\0\0\0", 7));
  EXPECT_EQ(buffer.size(), 0U);
}

TEST(InputBuffer, BehavesAsAQueue) {
  std::mt19937 random(3);
  InputBuffer buffer;
  std::string expected;
  char next = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::span<char> space = buffer.space(random() % 2 == 0 ? 16 : 64);
    const std::size_t count = space.empty() ? 0 : random() % (space.size() + 1);
    for (std::size_t i = 0; i < count; ++i) expected += space[i] = ++next;
    buffer.commit(count);
    ASSERT_EQ(buffer.view(), expected);
    const std::size_t taken = random() % (buffer.size() + 1);
    buffer.consume(taken);
    expected.erase(0, taken);
  }
}

}  // namespace
}  // namespace postern::smtp
