package tacet.kernels.scalar;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tacet.kernels.DataType;

class ElementsTest {

  @ParameterizedTest
  @EnumSource
  void whatIsStoredIsRead(DataType type) {
    Elements e = new Elements(MemorySegment.ofArray(new long[4]), type);
    e.set(2, 1);
    e.setLong(1, 0);
    assertEquals(1, e.get(2));
    assertEquals(1, e.getLong(2));
    assertEquals(0, e.get(1));
  }

  @ParameterizedTest
  @CsvSource({
    "FLOAT16, 0.1, 0.0999755859375",
    "BFLOAT16, 0.1, 0.10009765625",
    "BFLOAT16, 1.00390625, 1",
    "FLOAT32, 0.1, 0.10000000149011612",
    "INT32, -2.9, -2",
    "UINT8, 255, 255",
    "INT8, -128, -128",
    "UINT16, 65535, 65535",
    "UINT32, 4294967295, 4294967295",
    "BOOL, -7.5, 1"
  })
  void rounding(DataType type, double stored, double read) {
    Elements e = new Elements(MemorySegment.ofArray(new long[1]), type);
    e.set(0, stored);
    assertEquals(read, e.get(0));
  }
}
