"""What a thing group runs with a new model, on trial, and after a roll-back."""

import json

from sightline.rollout.components import (
    Components,
    ComponentSpec,
    deployed_components,
    on_trial,
    restored_components,
)
from tests.named import OWN


def test_the_first_deployment_brings_the_inspector_and_the_model() -> None:
    assert deployed_components(OWN, {}, model_version="1.0.2", inspector_version="1.3.0") == {
        "com.sightline.plant.Inspector": {
            "componentVersion": "1.3.0",
            "configurationUpdate": {
                "merge": '{"modelVersion": "1.0.2", "shadowVersion": ""}',
                "reset": ["/accessControl"],
            },
        },
        "com.sightline.plant.Model": {"componentVersion": "1.0.2", "configurationUpdate": {"reset": [""]}},
    }


def test_a_deployment_keeps_other_components_and_the_settings_of_the_inspector() -> None:
    previous: Components = {
        "aws.greengrass.Nucleus": {"componentVersion": "2.14.0"},
        "com.sightline.plant.Inspector": {
            "componentVersion": "1.2.0",
            "configurationUpdate": {"merge": '{"modelVersion": "1.0.1", "source": "/camera"}'},
            "runWith": {"posixUser": "ggc_user"},
        },
        "com.sightline.plant.Model": {"componentVersion": "1.0.1"},
    }
    before = json.dumps(previous)
    assert deployed_components(OWN, previous, model_version="1.0.2", inspector_version="1.3.0") == {
        "aws.greengrass.Nucleus": {"componentVersion": "2.14.0"},
        "com.sightline.plant.Inspector": {
            "componentVersion": "1.3.0",
            "configurationUpdate": {
                "merge": '{"modelVersion": "1.0.2", "shadowVersion": "", "source": "/camera"}',
                "reset": ["/accessControl"],
            },
            "runWith": {"posixUser": "ggc_user"},
        },
        "com.sightline.plant.Model": {"componentVersion": "1.0.2", "configurationUpdate": {"reset": [""]}},
    }
    assert json.dumps(previous) == before


def test_a_trial_compares_with_the_model_before_and_a_settled_one_with_none() -> None:
    before = deployed_components(OWN, {}, model_version="1.0.1", inspector_version="1.3.0")
    after = deployed_components(OWN, before, model_version="1.0.2", inspector_version="1.3.0")
    merge = [
        json.loads(found["com.sightline.plant.Inspector"]["configurationUpdate"]["merge"])["shadowVersion"]
        for found in (after, on_trial(OWN, after, before), on_trial(OWN, after, {}), on_trial(OWN, after, after))
    ]
    assert merge == ["", "1.0.1", "", ""]


def test_a_roll_back_clears_what_the_newer_deployment_merged() -> None:
    inspector: ComponentSpec = {"componentVersion": "1.3.0", "configurationUpdate": {"merge": '{"source": "/camera"}'}}
    restored = restored_components(OWN, {"com.sightline.plant.Inspector": inspector})
    merge = restored["com.sightline.plant.Inspector"]["configurationUpdate"]["merge"]
    assert json.loads(merge) == {"source": "/camera", "modelVersion": "", "shadowVersion": ""}
    assert restored_components(OWN, {}) == {}
