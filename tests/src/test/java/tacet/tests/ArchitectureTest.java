package tacet.tests;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Who may depend on whom, class by class; the module descriptors say the same of whole modules. */
class ArchitectureTest {

  private static final List<String> JDK = List.of("java..");
  private static final List<String> KERNELS = List.of("tacet.kernels..");
  private static final List<String> CORE =
      List.of(
          "tacet",
          "tacet.error..",
          "tacet.format..",
          "tacet.graph..",
          "tacet.jfr..",
          "tacet.plan..",
          "tacet.profile..",
          "tacet.reference..",
          "tacet.rewrite..",
          "tacet.tensor..");

  private static JavaClasses all;

  @BeforeAll
  static void read() {
    all =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("tacet");
  }

  @Test
  void kernelsDependOnTheJdkAlone() {
    only(KERNELS, JDK, List.of("jdk.incubator.vector"));
  }

  @Test
  void coreDependsOnKernelsAndTheJdk() {
    only(CORE, JDK, KERNELS, List.of("jdk.jfr"));
  }

  @Test
  void readersDependOnCoreAndTheirParsers() {
    only(List.of("tacet.onnx.."), JDK, KERNELS, CORE, List.of("com.google.protobuf.."));
    only(
        List.of("tacet.keras.."),
        JDK,
        KERNELS,
        CORE,
        List.of("io.jhdf..", "com.fasterxml.jackson.core.."));
  }

  @Test
  void insightDependsOnCore() {
    only(List.of("tacet.insight.."), JDK, KERNELS, CORE, List.of("javax.imageio.."));
  }

  @Test
  void oneDnnDependsOnKernels() {
    only(List.of("tacet.onednn.."), JDK, KERNELS, List.of("org.bytedeco.."));
  }

  @Test
  void nobodyDependsOnTheCommandButBenchmarks() {
    noClasses()
        .that()
        .resideOutsideOfPackages("tacet.cli..", "tacet.bench..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("tacet.cli..", "tacet.bench..")
        .check(all);
  }

  @Test
  void onlyTheVectorPackageUsesTheIncubatorModule() {
    noClasses()
        .that()
        .resideOutsideOfPackage("tacet.kernels.vector")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("jdk.incubator..")
        .check(all);
  }

  /** Else a machine without the incubator module could not load them. */
  @Test
  void vectorKernelsAreReachedThroughTheirProviderAlone() {
    noClasses()
        .that()
        .resideOutsideOfPackage("tacet.kernels.vector..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("tacet.kernels.vector..")
        .check(all);
  }

  @Test
  void packagesFormNoCycles() {
    slices().matching("tacet.(**)").should().beFreeOfCycles().check(all);
  }

  /** Why not is said at {@code tacet.kernels.vector.Lanes}. */
  @Test
  void kernelsDoNotLookAtTheBitsOfVectors() {
    noClasses()
        .should()
        .callMethodWhere(
            target(owner(resideInAPackage("jdk.incubator.vector")))
                .and(target(nameMatching("(reinterpret|view)(As|Shape).*"))))
        .check(all);
  }

  /** Packages may use their own, those of {@code allowed} and nothing else. */
  @SafeVarargs
  private static void only(List<String> packages, List<String>... allowed) {
    List<String> ok = new ArrayList<>(packages);
    for (List<String> more : allowed) {
      ok.addAll(more);
    }
    classes()
        .that()
        .resideInAnyPackage(packages.toArray(String[]::new))
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(ok.toArray(String[]::new))
        .allowEmptyShould(true)
        .check(all);
  }
}
